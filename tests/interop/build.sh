#!/usr/bin/env bash
# Builds the components of the interop tests with the tools their languages have: js-*.wasm with componentize-js and jco
# (npm), py-*.wasm with componentize-py (PyPI). `hello` and `echo` are handlers for HTTP; `listener` works with messages
# and a store through the interfaces of wit/, `cloud` through those that wasmCloud has. They are large and are not
# committed.
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

# What each kind of component is, as files of WIT. Those of messages are made of the packages that the gateway has.
mkdir -p "$tools/wit"
cp -pr "$here/wit/." "$tools/wit/"
mkdir -p "$tools"/wit/{listener,cloud}/deps
cp -p "$here"/../../wit/{io,core,messaging,keyvalue-draft2}.wit "$tools/wit/listener/deps/"
cp -p "$here"/../../wit/{wasmcloud-messaging,keyvalue-draft}.wit "$tools/wit/cloud/deps/"

# stale_for <world> <artifact> <source>...: as stale, the files of the world and this script being sources too.
stale_for() {
  local world=$1
  shift
  stale "$@" "$here/build.sh" "$tools/wit/$world"/*.wit "$tools/wit/$world"/deps/{*,*/*}.wit
}

install_js() {
  stale "$tools/js/installed" "$here"/js/{package,package-lock}.json || return 0
  mkdir -p "$tools/js"
  cp "$here"/js/{package,package-lock}.json "$tools/js/"
  npm ci --prefix "$tools/js" --ignore-scripts --no-audit --no-fund
  touch "$tools/js/installed"
}

# build_js <name> <world>
build_js() {
  local source=$here/js/$1.js artifact=$out/js-$1.wasm
  stale_for "$2" "$artifact" "$source" "$here/js/package-lock.json" || return 0
  install_js
  "$tools/js/node_modules/.bin/componentize-js" "$source" --wit "$tools/wit/$2" --world-name "$2" --out "$artifact"
}

install_python() {
  stale "$tools/python/installed" "$here/python/requirements.txt" || return 0
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
  touch "$tools/python/installed"
}

# build_python <name> <world>
build_python() {
  local artifact=$out/py-$1.wasm
  stale_for "$2" "$artifact" "$here/python/$1.py" "$here/python/requirements.txt" || return 0
  install_python
  "$tools/python/bin/componentize-py" -q -d "$tools/wit/$2" -w "$2" componentize "$1" -p "$here/python" -o "$artifact"
}

build_js hello handler
build_js echo handler
build_js listener listener
build_js cloud cloud
build_python hello handler
build_python listener listener
build_python cloud cloud
ls -l "$out"/*.wasm
