#!/usr/bin/env bash
# What 100,000 messages at a subscriber that sleeps cost the others: answers a second of requests on another topic,
# alone and beside it (bar: at most 1.111 times fewer, that is 90 %; median of the rounds' ratios), and the memory
# that the gateway grows by (bar: 64 MiB).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly BAR=1.111
readonly MEMORY_BAR=64       # MiB
readonly MESSAGES=100000
readonly SLEEPERS=16         # as many handlers as a subscription has at once
rounds=3
duration=5      # seconds, each half of a round

usage() {
  cat <<TEXT
usage: loadtest/sleeper.sh [options]

  --rounds N         default $rounds; each is the other topic alone, then beside the sleeper
  --duration S       seconds of each half, default $duration
  --connections N    connections that ask on the other topic, default $CONNECTIONS

Environment: AIRGATE (binary); WRK_THREADS.
Exit: 0 within the bars, 1 something failed, 2 usage, 3 missed.
TEXT
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --rounds) rounds=${2:?}; shift ;;
      --duration) duration=${2:?}; shift ;;
      --connections) CONNECTIONS=${2:?}; shift ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

config() {
  airgate_preamble "$1" "$2" "$work/state"
  cat <<TOML
[component.sleeper]
source = "$repository/fixtures/components/bus.wasm"
[component.sleeper.limits]
timeout = "10m"
stream_timeout = "10m"
[[component.sleeper.subscribe]]
topic = "sleepy"
concurrency = $SLEEPERS
[component.echo]
source = "$repository/fixtures/components/counter-echo.wasm"
[component.echo.instances]
reuse = 1000000
[[component.echo.subscribe]]
topic = "echo"
concurrency = 256
[[route]]
path = "/echo"
methods = ["GET"]
request = "echo"
[[route]]
path = "/ready"
respond = { status = 200 }
TOML
}

publish() {
  "$AIRGATE" bus publish sleepy "$1" --count "$2" --config "$work/routes.toml" --json >"$work/published" ||
    server_died "nothing could be published: $(cat "$work/published")"
}

resident_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$server_pid/status"; }

round() {
  local alone beside
  load "$duration" "$url"
  require_no_errors 'the other topic, alone'
  alone=$(value requests)
  publish silent "$MESSAGES" &
  load_pid=$!
  load "$duration" "$url"
  wait "$load_pid" || fail 'the sleeper could not be bothered'
  load_pid=''
  require_no_errors 'the other topic, beside the sleeper'
  beside=$(value requests)
  ratios+=("$(awk -v a="$alone" -v b="$beside" 'BEGIN { printf "%.3f", a / b }')")
  say "round $1: $((alone / duration)) answers/s alone, $((beside / duration)) beside the sleeper"
}

main() {
  parse_arguments "$@"
  need_tools wrk python3 awk
  need_airgate
  begin
  local port admin_port number before after ratios=() missed=0
  read -r port admin_port <<<"$(free_ports 2)"
  url=http://127.0.0.1:$port/echo
  config "$port" "$admin_port" >"$work/routes.toml"
  start_server "$work/airgate.log" "$AIRGATE" serve --config "$work/routes.toml"
  wait_for_answer "$port" /ready
  publish 'sleep 590000' "$SLEEPERS"
  load 2 "$url"
  require_no_errors 'the other topic, warming up'
  before=$(resident_kib)
  publish silent "$MESSAGES"
  say "published: $(cat "$work/published")"
  after=$(resident_kib)
  for ((number = 1; number <= rounds; number++)); do round "$number"; done
  report bar "memory for $MESSAGES messages at a sleeper" "$MEMORY_BAR" MiB "$(((after - before) / 1024))" || missed=3
  report bar 'answers a second on another topic, alone / beside the sleeper' "$BAR" × "${ratios[@]}" || missed=3
  return "$missed"
}

main "$@"
