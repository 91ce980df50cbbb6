#!/bin/sh
# Bring what the tests of the pages need: install.sh PYTHON FOLDER. Fails, with a sentence, where
# it is not to be had.
set -u
python=$1 folder=$2

lacking() {
  echo "The pages are not tested in a browser: $1."
  exit 1
}

command -v chromium >/dev/null ||
  { apt-get install -y --no-install-recommends chromium || { apt-get update && apt-get install -y --no-install-recommends chromium; }; } \
    >/dev/null 2>&1 ||
  lacking "there is no Chromium, and apt cannot give one"
"$python" -m pip install --quiet --disable-pip-version-check -r requirements-web-test.txt ||
  lacking "Playwright cannot be installed"
# Without axe-core its tests are skipped, and the others run.
mkdir -p "$folder"
[ -f "$folder/package/axe.min.js" ] ||
  { (cd "$folder" && npm pack --silent axe-core@4 && tar -xzf axe-core-*.tgz package/axe.min.js) >/dev/null 2>&1; } ||
  echo "There is no axe-core: npm cannot give it."
if [ -f web/package-lock.json ]; then
  npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent >/dev/null 2>&1 ||
    echo "The page without a server is not tested: npm cannot give what it is built with."
fi
exit 0
