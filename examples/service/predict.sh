#!/bin/sh
# Label a recording with curl: predict.sh URL FILE
set -eu
curl --fail-with-body --silent --show-error --form "file=@$2" "$1/v1/predict"
# Several, as a table:
curl --fail-with-body --silent --show-error --form "file=@$2" --form "file=@$2" \
  "$1/v1/predict/batch?format=csv"
