#!/usr/bin/env bash
# The side-by-side comparison: bare hyper, Airgate and `wasmtime serve`, one at a time, interleaved over rounds,
# on one machine in one run. Writes results/compare.md and results/compare.csv and prints the promised ratios.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=side_by_side.sh
source "$loadtest/side_by_side.sh"

readonly COMPARISON=compare
readonly ALL_SERVERS=(
  bare-hyper
  airgate-fresh airgate-reused airgate-p3 airgate-js
  wasmtime-fresh wasmtime-reused wasmtime-p3 wasmtime-js
)
BARE_HYPER=${BARE_HYPER:-$PEERS/bare-hyper}
EXPECT_BODY=${EXPECT_BODY-hello world}

usage() {
  cat <<TEXT
usage: loadtest/compare.sh [options]

$(options)

Environment: AIRGATE, WASMTIME, BARE_HYPER (binaries); HELLO_P2, HELLO_P3, HELLO_JS (components);
EXPECT_BODY (what every hello must answer; empty: do not look); WRK_THREADS; START_TIMEOUT; STOP_TIMEOUT.
Exit: 0 measured, 1 something failed, 2 usage, 3 see --strict.
TEXT
}

build() { ! wanted bare-hyper || build_peer "$BARE_HYPER"; }

peer_of() { [[ $1 != bare-hyper ]] || echo "$BARE_HYPER"; }

component_of() {
  case $1 in
    *-p3) echo "$HELLO_P3" ;;
    *-js) echo "$HELLO_JS" ;;
    *-fresh | *-reused) echo "$HELLO_P2" ;;
  esac
}

command_for() {
  case $1 in
    bare-hyper) command=("$BARE_HYPER" "127.0.0.1:$2") ;;
    airgate-*)
      airgate_config "$@" >"$work/$1.toml"
      command=("$AIRGATE" serve --config "$work/$1.toml")
      ;;
    wasmtime-*) wasmtime_command "$@" ;;
  esac
}

# One route, one component, one mode. The state directory is the mode's own for the whole run, so the first
# round starts cold and the others from the code cache.
airgate_config() {
  airgate_preamble "$2" "$3" "$work/state-$1"
  airgate_component "$1" hello
  printf '[[route]]\nprefix = "/"\ncomponent = "hello"\n'
}

target_of() { echo /; }

body_of() { [[ $1 == *-js ]] || echo "$EXPECT_BODY"; }

compare_all "$@"
