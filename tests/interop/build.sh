#!/usr/bin/env bash
# Builds the handlers of the interop tests with the tools their languages have: js-hello.wasm and js-echo.wasm with
# componentize-js and jco (npm), py-hello.wasm with componentize-py (PyPI). They are large and are not committed.
#
#   tests/interop/build.sh [folder]        default: target/interop
#
# Needs node 20 or newer with npm, and python3 with venv. An artifact that is newer than its sources is not built again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../../target/interop}
mkdir -p "$out"
out=$(cd "$out" && pwd)
tools=$out/.tools

# stale <artifact> <source>...: true if the artifact is missing or older than one of the sources.
stale() {
  local artifact=$1 source
  shift
  [ -f "$artifact" ] || return 0
  for source in "$@"; do
    if [ "$source" -nt "$artifact" ]; then return 0; fi
  done
  return 1
}

wit=$here/wit
shared=("$wit/handler.wit" "$wit"/deps/*/package.wit "$here/build.sh")

install_js() {
  stale "$tools/js/installed" "$here"/js/{package,package-lock}.json || return 0
  mkdir -p "$tools/js"
  cp "$here"/js/{package,package-lock}.json "$tools/js/"
  npm ci --prefix "$tools/js" --ignore-scripts --no-audit --no-fund
  touch "$tools/js/installed"
}

build_js() {
  local source=$here/js/$1.js artifact=$out/js-$1.wasm
  stale "$artifact" "$source" "$here/js/package-lock.json" "${shared[@]}" || return 0
  install_js
  "$tools/js/node_modules/.bin/componentize-js" "$source" --wit "$wit" --world-name handler --out "$artifact"
}

install_python() {
  stale "$tools/python/installed" "$here/python/requirements.txt" || return 0
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
  touch "$tools/python/installed"
}

build_python() {
  local artifact=$out/py-hello.wasm
  stale "$artifact" "$here"/python/{app.py,requirements.txt} "${shared[@]}" || return 0
  install_python
  "$tools/python/bin/componentize-py" -q -d "$wit" -w handler componentize app -p "$here/python" -o "$artifact"
}

build_js hello
build_js echo
build_python
ls -l "$out"/*.wasm
