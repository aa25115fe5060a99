# shellcheck shell=bash
# What the oha scripts share. Sourced, never run.
# BASE_URL: what is shot at, http://127.0.0.1:8080/ by default.
set -euo pipefail

url=${BASE_URL:-http://127.0.0.1:8080/}
report=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/report.py
missed=0

command -v oha >/dev/null || { echo 'oha is not installed: cargo install oha --locked' >&2; exit 1; }
command -v python3 >/dev/null || { echo 'python3 is not installed' >&2; exit 1; }

# run LABEL P99_MS MAX_FAILURES OHA_OPTIONS…   one line and its verdict; a missed bar is remembered for `finish`
run() {
  local label=$1 p99_ms=$2 max_failures=$3 told
  shift 3
  told=$(oha --no-tui --output-format json -t 10s -w "$@" "$url") || { echo "$label: oha failed" >&2; exit 1; }
  python3 "$report" oha "$label" --p99-ms "$p99_ms" --max-failures "$max_failures" <<<"$told" || missed=3
}

# at_rate RATE LABEL …   `run` at that many requests a second; a late start counts as waiting, so that a stalled
# server cannot hide behind the requests it kept from being sent
at_rate() {
  local rate=$1
  shift
  run "$@" -q "$rate" --latency-correction
}

finish() { exit "$missed"; }
