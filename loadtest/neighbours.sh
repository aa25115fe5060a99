#!/usr/bin/env bash
# What a spinning guest does to its neighbours: p99 of hello alone, and p99 of hello while another route's guest
# burns its whole CPU budget on every request. Bar: at most twice as long (median of the rounds' ratios).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly BAR=2
readonly LEAST_SPIN_US=50000
rounds=3
duration=10     # seconds, each half of a round
spinners=4      # connections that ask for the spinning guest, again and again

usage() {
  cat <<TEXT
usage: loadtest/neighbours.sh [options]

  --rounds N         default $rounds; each is hello alone, then hello beside the spinners
  --duration S       seconds of each half, default $duration
  --connections N    connections that ask for hello, default $CONNECTIONS
  --rate N           hello at N requests a second (needs oha) instead of as fast as answers come
  --spinners N       connections that ask for the spinning guest, default $spinners
  --spin-path PATH   what they ask for, default /spin
  --spin-cpu TIME    the spinning guest's CPU budget, default 1s

Environment: AIRGATE (binary); HELLO_P2, SPIN (components); WRK_THREADS.
Exit: 0 within the bar, 1 something failed, 2 usage, 3 missed.
TEXT
}

rate=''
spin_path=/spin
spin_cpu=1s

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --rounds) rounds=${2:?}; shift ;;
      --duration) duration=${2:?}; shift ;;
      --connections) CONNECTIONS=${2:?}; shift ;;
      --rate) rate=${2:?}; shift ;;
      --spinners) spinners=${2:?}; shift ;;
      --spin-path) spin_path=${2:?}; shift ;;
      --spin-cpu) spin_cpu=${2:?}; shift ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

config() {
  airgate_preamble "$1" "$2" "$work/state"
  cat <<TOML
[component.hello]
source = "$HELLO_P2"
[component.spin]
source = "$SPIN"
[component.spin.limits]
cpu = "$spin_cpu"
timeout = "30s"
[[route]]
prefix = "/"
component = "hello"
[[route]]
prefix = "/spin"
component = "spin"
TOML
}

# hello_p99_us   of one run; any failed request fails the script: a neighbour must not only be fast
hello_p99_us() {
  if [[ -n $rate ]]; then
    oha --no-tui --output-format json -t 10s -w -z "${duration}s" -c "$CONNECTIONS" -q "$rate" --latency-correction \
      "$hello_url" | report oha-p99-us
  else
    load "$duration" "$hello_url"
    require_no_errors hello
    value p99_us
  fi
}

# Their answers are faults (504) by design, so their errors are not judged, only that there were answers.
# They start first and end last, so that every moment of hello's run has its spinner.
spin_beside() {
  wrk -t 1 -c "$spinners" -d "$((duration + 4))s" --timeout 30s -s "$loadtest/latency.lua" "$spin_url" \
    >"$work/spin.out" 2>&1 &
  load_pid=$!
  nap 2
}

spin_done() {
  wait "$load_pid" || fail "wrk on the spinning guest failed: $(cat "$work/spin.out")"
  load_pid=''
  measured=$(grep '^measured ' "$work/spin.out") || fail 'wrk on the spinning guest printed no result'
  (($(value requests) > 0)) || server_died 'the spinning guest was never answered: nothing was measured beside it'
  # A guest that was refused or stopped at once burns nothing, and its neighbours would look fine for no reason.
  (($(value p50_us) >= LEAST_SPIN_US)) || server_died "the spinning guest did not spin: $measured"
  spun="$(value requests) answers, $(value status) of them faults, p50 $(($(value p50_us) / 1000)) ms"
}

round() {
  local alone beside
  alone=$(hello_p99_us)
  spin_beside
  beside=$(hello_p99_us)
  spin_done
  ratios+=("$(awk -v a="$alone" -v b="$beside" 'BEGIN { printf "%.3f", b / a }')")
  say "round $1: p99 alone ${alone} µs, beside ${beside} µs; spinners: $spun"
}

main() {
  parse_arguments "$@"
  need_tools wrk python3 awk
  [[ -z $rate ]] || need_tools oha
  need_airgate
  need_component HELLO_P2 "$HELLO_P2"
  need_component SPIN "$SPIN"
  begin
  local port admin_port number ratios=()
  read -r port admin_port <<<"$(free_ports 2)"
  hello_url=http://127.0.0.1:$port/
  spin_url=http://127.0.0.1:$port$spin_path
  config "$port" "$admin_port" >"$work/routes.toml"
  start_server "$work/airgate.log" "$AIRGATE" serve --config "$work/routes.toml"
  wait_for_answer "$port" /
  load 2 "$hello_url"
  require_no_errors 'hello, warming up'
  for ((number = 1; number <= rounds; number++)); do round "$number"; done
  report bar 'p99 of hello beside a spinning guest / alone' "$BAR" × "${ratios[@]}"
}

main "$@"
