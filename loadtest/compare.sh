#!/usr/bin/env bash
# The side-by-side comparison: bare hyper, Airgate and `wasmtime serve`, one at a time, interleaved over rounds,
# on one machine in one run. Writes results/compare.md and results/compare.csv and prints the promised ratios.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly WASMTIME_VERSION=48.0.8
readonly ALL_SERVERS=(
  bare-hyper
  airgate-fresh airgate-reused airgate-p3 airgate-js
  wasmtime-fresh wasmtime-reused wasmtime-p3 wasmtime-js
)
BARE_HYPER=${BARE_HYPER:-$loadtest/peers/target/release/bare-hyper}
EXPECT_BODY=${EXPECT_BODY-hello world}

rounds=3
duration=10     # seconds measured
warm_up=3       # seconds before them
install=no
strict=()
servers=()
skipped=()

usage() {
  cat <<TEXT
usage: loadtest/compare.sh [options]

  --rounds N         rounds over all servers, default 3
  --duration S       seconds measured for each server in a round, default 10
  --connections N    kept-alive connections, default $CONNECTIONS
  --only NAME,…      of: ${ALL_SERVERS[*]}
  --quick            1 round of 3 seconds: does it run at all
  --install          cargo install wasmtime-cli $WASMTIME_VERSION where it is missing (long)
  --strict           exit 3 where a promised ratio is missed or was not measured

Environment: AIRGATE, WASMTIME, BARE_HYPER (binaries); HELLO_P2, HELLO_P3, HELLO_JS (components);
EXPECT_BODY (what every hello must answer; empty: do not look); WRK_THREADS; START_TIMEOUT; STOP_TIMEOUT.
Exit: 0 measured, 1 something failed, 2 usage, 3 see --strict.
TEXT
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --rounds) rounds=$(number "$@"); shift ;;
      --duration) duration=$(number "$@"); shift ;;
      --connections) CONNECTIONS=$(number "$@"); shift ;;
      --only) IFS=, read -ra servers <<<"${2:-}"; shift ;;
      --quick) rounds=1 duration=3 warm_up=1 ;;
      --install) install=yes ;;
      --strict) strict=(--strict) ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  ((${#servers[@]} > 0)) || servers=("${ALL_SERVERS[@]}")
  local name
  for name in "${servers[@]}"; do
    [[ " ${ALL_SERVERS[*]} " == *" $name "* ]] || { say "unknown server: $name"; usage >&2; exit 2; }
  done
}

# --- what there is to measure ---

build_bare_hyper() {
  wanted bare-hyper && [[ ! -x $BARE_HYPER || $BARE_HYPER == "$loadtest/peers/"* ]] || return 0
  say 'building bare-hyper'
  cargo build --quiet --release --locked --manifest-path "$loadtest/peers/Cargo.toml" \
    --target-dir "$loadtest/peers/target"
}

install_wasmtime() {
  [[ $install == yes ]] && ! command -v "$WASMTIME" >/dev/null || return 0
  cargo install wasmtime-cli --version "$WASMTIME_VERSION" --locked
}

wanted() { [[ " ${servers[*]} " == *" $1 "* ]]; }

# why_not NAME   prints what is missing, nothing when the server can run
why_not() {
  local component=''
  case $1 in
    bare-hyper) [[ -x $BARE_HYPER ]] || echo "$(basename "$BARE_HYPER") is not built" ;;
    airgate-*) [[ -x $AIRGATE ]] || echo 'the gateway is not built: cargo build --release' ;;
    wasmtime-*) why_not_wasmtime ;;
  esac
  component=$(component_of "$1")
  [[ -z $component || -s $component ]] || echo "component $(basename "$component") is missing"
}

why_not_wasmtime() {
  local version
  if ! version=$("$WASMTIME" --version 2>/dev/null); then
    echo "wasmtime is missing: --install, or cargo install wasmtime-cli --version $WASMTIME_VERSION --locked"
  elif [[ $version != "wasmtime $WASMTIME_VERSION"* ]]; then
    echo "$version is not the promised peer, which is $WASMTIME_VERSION"
  fi
}

component_of() {
  case $1 in
    *-p3) echo "$HELLO_P3" ;;
    *-js) echo "$HELLO_JS" ;;
    *-fresh | *-reused) echo "$HELLO_P2" ;;
  esac
}

# What cannot run is named here and in the report, and its promises count as not measured.
drop_missing() {
  local name reason kept=()
  for name in "${servers[@]}"; do
    reason=$(why_not "$name" | paste -sd ';')
    if [[ -z $reason ]]; then
      kept+=("$name")
    else
      say "skipped $name: $reason"
      skipped+=("$name: $reason")
    fi
  done
  ((${#kept[@]} > 0)) || fail 'nothing to measure'
  servers=("${kept[@]}")
}

# --- the servers ---

# command_for NAME PORT ADMIN_PORT   sets command
command_for() {
  local component
  component=$(component_of "$1")
  # -Scli links wasi:cli, which most toolchains import unused; every other option is left at its default.
  local serve=("$WASMTIME" serve -Scli --addr "127.0.0.1:$2")
  case $1 in
    bare-hyper) command=("$BARE_HYPER" "127.0.0.1:$2") ;;
    airgate-*)
      airgate_config "$@" >"$work/$1.toml"
      command=("$AIRGATE" serve --config "$work/$1.toml")
      ;;
    wasmtime-reused) command=("${serve[@]}" --max-instance-reuse-count 1000000 "$component") ;;
    wasmtime-*) command=("${serve[@]}" "$component") ;;
  esac
}

# One route, one component, one mode. The state directory is the mode's own for the whole run, so the first
# round starts cold and the others from the code cache.
airgate_config() {
  airgate_preamble "$2" "$3" "$work/state-$1"
  printf '[component.hello]\nsource = "%s"\n' "$(component_of "$1")"
  case $1 in
    airgate-reused) printf '[component.hello.instances]\nreuse = 1000000\n' ;;
    airgate-p3) printf '[component.hello.instances]\nreuse = 128\nconcurrent = 16\n' ;;
  esac
  printf '[[route]]\nprefix = "/"\ncomponent = "hello"\n'
}

# --- measuring ---

check_body() {
  [[ -n $EXPECT_BODY && $1 != *-js ]] || return 0
  local body
  body=$(curl --silent --show-error --max-time 10 "$2") || server_died "$1: curl failed"
  [[ $body == "$EXPECT_BODY" ]] || server_died "$1: answered \"$body\" instead of \"$EXPECT_BODY\""
}

measure() {
  local name=$1 round=$2 port admin_port command cpu_before cpu_after
  read -r port admin_port <<<"$(free_ports 2)"
  command_for "$name" "$port" "$admin_port"
  start_server "$work/$name.log" "${command[@]}"
  wait_for_answer "$port" /
  check_body "$name" "http://127.0.0.1:$port/"
  load "$warm_up" "http://127.0.0.1:$port/"
  require_no_errors "$name, warming up"
  cpu_before=$(cpu_us "$server_pid")
  load "$duration" "http://127.0.0.1:$port/"
  cpu_after=$(cpu_us "$server_pid")
  require_no_errors "$name"
  write_row "$name" "$round" $((cpu_after - cpu_before))
  stop_server
}

readonly CSV_COLUMNS=server,round,requests,duration_us,p50_us,p99_us,p999_us,max_us,cpu_us,rss_kib,peak_kib,ready_us

write_row() {
  local row
  row=$1,$2,$(value requests),$(value duration_us),$(value p50_us),$(value p99_us),$(value p999_us),$(value max_us)
  row+=,$3,$(memory_kib "$server_pid" VmRSS),$(memory_kib "$server_pid" VmHWM),$ready_us
  printf '%s\n' "$row" >>"$results/compare.csv"
  say "round $2  $1  $(report row "$CSV_COLUMNS" "$row")"
}

facts() {
  printf 'machine: %s cores, %s, Linux %s\n' "$(nproc)" \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(uname -r)"
  printf 'load: wrk, %s thread(s), %s connections, %s s after %s s of warm-up, %s round(s)\n' \
    "$WRK_THREADS" "$CONNECTIONS" "$duration" "$warm_up" "$rounds"
  printf 'date: %s\n' "$(date --utc +%Y-%m-%d)"
  local note
  for note in "${skipped[@]}"; do printf 'skipped: %s\n' "$note"; done
}

main() {
  parse_arguments "$@"
  need_tools wrk curl python3 awk
  begin
  build_bare_hyper
  install_wasmtime
  drop_missing
  printf '%s\n' "$CSV_COLUMNS" >"$results/compare.csv"
  local round name
  for ((round = 1; round <= rounds; round++)); do
    for name in "${servers[@]}"; do measure "$name" "$round"; done
    servers=("${servers[@]:1}" "${servers[0]}")    # nobody is always first, or always after the same one
  done
  facts >"$work/facts"
  report compare "$results/compare.csv" --facts "$work/facts" --out "$results/compare.md" "${strict[@]}"
}

number() {
  [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || { say "$1 needs a whole number above 0"; exit 2; }
  printf '%s\n' "$2"
}

main "$@"
