#!/usr/bin/env bash
# How long a start takes from the code cache, and what a loaded but idle component costs in memory.
#   many   start with 100 cached components to ready: < 1 s
#   js     start with one 12 MB JavaScript component from the cache: < 50 ms
#   idle   resident memory with 1,001 loaded components less that with 1, over 1,000: < 512 KiB each
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

starts=5        # timed, after the one that fills the cache
many=100        # components
idle=1000       # components
only='many js idle'

usage() {
  cat <<TEXT
usage: loadtest/startup.sh [options]

  --starts N     timed starts of each kind, default $starts
  --many N       components of the first figure, default $many
  --idle N       components of the memory figure, default $idle
  --only NAME,…  of: ${only// /,}

The first start of each kind fills the code cache and is not timed; it may take minutes.
Environment: AIRGATE (binary); HELLO_P2, HELLO_JS (components); START_TIMEOUT.
Exit: 0 within the bars, 1 something failed, 2 usage, 3 a bar missed.
TEXT
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --starts) starts=${2:?}; shift ;;
      --many) many=${2:?}; shift ;;
      --idle) idle=${2:?}; shift ;;
      --only) only=${2//,/ }; shift ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

# config STATE_DIR COMPONENT_FILE…   every component behind a route of its own, /c1 and so on
config() {
  local state=$1 file name number=0
  shift
  airgate_preamble "$port" "$admin_port" "$state"
  for file in "$@"; do
    number=$((number + 1)) name=c$number
    cat <<TOML
[component.$name]
source = "$file"
[[route]]
prefix = "/$name"
component = "$name"
TOML
    [[ -z $instances ]] || printf '[component.%s.instances]\n%s\n' "$name" "$instances"
  done
}

# start_to_ready STATE_DIR COMPONENT_FILE…   leaves the server running; sets ready_us
start_to_ready() {
  read -r port admin_port <<<"$(free_ports 2)"
  config "$@" >"$work/routes.toml"
  start_server "$work/airgate.log" "$AIRGATE" serve --config "$work/routes.toml"
  wait_for_answer "$admin_port" /readyz
}

# Ready is a word; an answer from the guest is the proof.
require_answer() { answers_ok "$port" /c1 || server_died 'ready, but the first component does not answer'; }

# timed_starts LABEL BAR_MS STATE_DIR COMPONENT_FILE…
timed_starts() {
  local label=$1 bar_ms=$2 number times=()
  shift 2
  say "$label: filling the code cache"
  START_TIMEOUT=1800 start_to_ready "$@"
  require_answer
  say "$label: $((ready_us / 1000)) ms without the cache"
  stop_server
  for ((number = 1; number <= starts; number++)); do
    start_to_ready "$@"
    require_answer
    stop_server
    times+=("$(awk -v us="$ready_us" 'BEGIN { printf "%.1f", us / 1000 }')")
  done
  report bar "$label" "$bar_ms" ms "${times[@]}" || missed=$?
}

measure_many() {
  python3 "$loadtest/distinct.py" "$HELLO_P2" "$work/many" "$many"
  timed_starts "start with $many cached components to ready" 1000 "$work/state-many" "$work"/many/*.wasm
}

measure_js() {
  [[ -s $HELLO_JS ]] || { say "skipped js: $(basename "$HELLO_JS") is missing (set HELLO_JS)"; missed=3; return; }
  timed_starts "start with one JavaScript component of $(du -m "$HELLO_JS" | cut -f1) MB from the cache" 50 \
    "$work/state-js" "$HELLO_JS"
}

# Two figures: RSS counts the pages of the code cache's files that were touched, which the kernel may take back.
measure_idle() {
  local few_rss few_anon many_rss many_anon rss anon instances='ready = 0'
  python3 "$loadtest/distinct.py" "$HELLO_P2" "$work/idle" $((idle + 1))
  local copies=("$work"/idle/*.wasm)
  say "idle: filling the code cache with $((idle + 1)) components"
  START_TIMEOUT=3600 start_to_ready "$work/state-idle" "${copies[@]}"
  stop_server
  memory_of "${copies[0]}"
  few_rss=$rss few_anon=$anon
  memory_of "${copies[@]}"
  many_rss=$rss many_anon=$anon
  say "idle: RSS $few_rss KiB with 1 component, $many_rss KiB with $((idle + 1)); anonymous $few_anon and $many_anon KiB"
  per_component 'anonymous memory of a loaded idle component' "$few_anon" "$many_anon"
  per_component 'resident memory of a loaded idle component' "$few_rss" "$many_rss"
}

# memory_of COMPONENT_FILE…   sets rss and anon, KiB, once the figure has come to rest
memory_of() {
  local before=-1
  START_TIMEOUT=600 start_to_ready "$work/state-idle" "$@"
  until rss=$(memory_kib "$server_pid" VmRSS) && ((rss == before)); do
    before=$rss
    nap 2
  done
  anon=$(memory_kib "$server_pid" RssAnon)
  stop_server
}

per_component() {
  report bar "$1" 512 KiB "$(awk -v a="$2" -v b="$3" -v n="$idle" 'BEGIN { printf "%.1f", (b - a) / n }')" || missed=$?
}

main() {
  parse_arguments "$@"
  need_tools python3 awk
  need_airgate
  need_component HELLO_P2 "$HELLO_P2"
  begin
  local what port admin_port missed=0 instances=''
  for what in $only; do
    case $what in
      many) measure_many ;;
      js) measure_js ;;
      idle) measure_idle ;;
      *) fail "--only $what: there is many, js and idle" ;;
    esac
  done
  exit "$missed"
}

main "$@"
