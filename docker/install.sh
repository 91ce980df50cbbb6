#!/bin/sh
# What the image has: the service in an environment of its own. `make test-image` runs the same.
# install.sh FOLDER [EXTRAS]
set -eu
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir ".[${2:-web}]"
# Not needed any more, and 15 MB.
"$1/bin/python" -m pip uninstall --quiet --yes setuptools pip
find "$1" -name tests -type d -path '*/numpy/*' -prune -exec rm -r {} +
"$1/bin/bilstm-hmm" --version
