#!/usr/bin/env bash
# What it costs a guest to fetch from a server: Airgate, which keeps its connections to it, and `wasmtime serve` with
# the same component, side by side as in compare.sh. Each request is answered with what the guest has fetched from an
# origin on this machine, which counts: an answer that was not fetched ends the run.
# Writes results/outbound.md and results/outbound.csv and prints the promised ratios.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=side_by_side.sh
source "$loadtest/side_by_side.sh"

readonly COMPARISON=outbound
readonly ALL_SERVERS=(origin airgate-fresh airgate-reused wasmtime-fresh wasmtime-reused)
FETCH=${FETCH:-$repository/fixtures/components/fetch.wasm}
ORIGIN=${ORIGIN:-$PEERS/origin}

usage() {
  cat <<TEXT
usage: loadtest/outbound.sh [options]

$(options)

Environment: AIRGATE, WASMTIME, ORIGIN (binaries); FETCH (component); WRK_THREADS; START_TIMEOUT; STOP_TIMEOUT.
Exit: 0 measured, 1 something failed, 2 usage, 3 see --strict.
TEXT
}

# It stands behind all of them, measured alone or not.
build() { build_peer "$ORIGIN"; }

peer_of() { [[ $1 != origin ]] || echo "$ORIGIN"; }

component_of() { [[ $1 == origin ]] || echo "$FETCH"; }

command_for() {
  case $1 in
    origin) command=("$ORIGIN" "127.0.0.1:$2") ;;
    airgate-*)
      airgate_config "$@" >"$work/$1.toml"
      command=("$AIRGATE" serve --config "$work/$1.toml")
      ;;
    wasmtime-*) wasmtime_command "$@" ;;
  esac
}

airgate_config() {
  airgate_preamble "$2" "$3" "$work/state-$1"
  airgate_component "$1" fetch
  cat <<TOML
[component.fetch.capabilities]
http = ["$origin"]
private_networks = true
[[route]]
prefix = "/"
component = "fetch"
TOML
}

# Alone, the origin is asked directly: what there is to be reached.
target_of() {
  case $1 in
    origin) echo / ;;
    *) echo "/?url=$origin/" ;;
  esac
}

# The guest tells status, length and body in one line.
body_of() {
  case $1 in
    origin) echo 'hello world' ;;
    *) echo '200 12 hello world\n' ;;
  esac
}

# --- the origin behind them ---

# One for the whole run, so that it is the same for all.
prepare() {
  [[ -x $ORIGIN ]] || fail "$ORIGIN is missing (set ORIGIN to its path)"
  local port
  read -r port <<<"$(free_ports 1)"
  origin=http://127.0.0.1:$port
  "$ORIGIN" "127.0.0.1:$port" >"$work/origin.log" 2>&1 &
  origin_pid=$!
  server_log=$work/origin.log
  local deadline=$((SECONDS + START_TIMEOUT))
  until answers_ok "$port" /; do
    kill -0 "$origin_pid" 2>/dev/null && ((SECONDS < deadline)) || server_died 'the origin does not answer'
    nap 0.01
  done
}

# count_origin   sets fetched and connected, so far
count_origin() {
  local counts
  counts=$(curl --silent --show-error --max-time 10 "$origin/counts") || fail 'the origin tells no counts'
  IFS='= ' read -r _ fetched _ connected <<<"$counts"
}

before_load() {
  count_origin
  fetched_before=$fetched connected_before=$connected
}

after_load() {
  [[ $1 != origin ]] || return 0
  local answered
  answered=$(value requests)
  count_origin
  fetched=$((fetched - fetched_before)) connected=$((connected - connected_before - 1))    # less the one that asks
  ((fetched >= answered)) || server_died "$1: $answered answers, but only $fetched were fetched"
  say "$1 fetched $fetched times over $connected new connections"
}

compare_all "$@"
