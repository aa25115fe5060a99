#!/usr/bin/env bash
# What a subscriber that sleeps costs the others: answers a second of requests on another topic, alone and while its
# full queue refuses 100,000 messages a second (bar: at most 1.111 times fewer, that is 90 %; median of the rounds'
# ratios), and the memory that the gateway grows by with the first 100,000 (bar: 64 MiB).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly BAR=1.111
readonly MEMORY_BAR=64       # MiB
readonly MESSAGES=100000     # at once, and again each second of a round's second half
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

# A burst of messages at the beginning of each second of a window, or as often as they can be sent.
flood() {
  local burst next_us=${EPOCHREALTIME//[!0-9]/} left_us
  for ((burst = 0; burst < duration; burst++)); do
    publish silent "$MESSAGES"
    cat "$work/published" >>"$work/flood"
    next_us=$((next_us + 1000000))
    left_us=$((next_us - ${EPOCHREALTIME//[!0-9]/}))
    ((left_us <= 0)) || nap "$(printf '%d.%06d' $((left_us / 1000000)) $((left_us % 1000000)))"
  done
}

# flooded FIELD   so many of the messages of the last flood were `published`, or `rejected`
flooded() { grep -o "\"$1\": *[0-9]*" "$work/flood" | awk -F: '{ sum += $2 } END { print sum + 0 }'; }

round() {
  local alone beside seconds
  load "$duration" "$url"
  require_no_errors 'the other topic, alone'
  alone=$(value requests)
  : >"$work/flood"
  flood &
  load_pid=$!
  load "$duration" "$url"
  beside=$(value requests)
  require_no_errors 'the other topic, beside the sleeper'
  # A burst that is late makes the flood longer than the window: then it was less than it should be.
  seconds=$SECONDS
  wait "$load_pid" || fail 'the sleeper could not be bothered'
  load_pid=''
  seconds=$((SECONDS - seconds))
  ratios+=("$(awk -v a="$alone" -v b="$beside" 'BEGIN { printf "%.3f", a / b }')")
  say "round $1: $((alone / duration)) answers/s alone, $((beside / duration)) beside the sleeper;" \
    "$(($(flooded published) + $(flooded rejected))) messages sent to it, $(flooded rejected) refused"
  ((seconds < 2)) || say "round $1: the last of them ${seconds} s after the window"
}

# Its handlers would sleep through the drain. A second SIGTERM ends the gateway at once, when the first was heard.
end() {
  local deadline=$((SECONDS + STOP_TIMEOUT))
  if [[ -n $server_pid ]] && kill -TERM "$server_pid" 2>/dev/null; then
    until grep -q '"draining"' "$server_log" || ((SECONDS >= deadline)); do nap 0.02; done
  fi
  clean_up
}

main() {
  parse_arguments "$@"
  need_tools wrk python3 awk
  need_airgate
  begin
  trap end EXIT
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
