# shellcheck shell=bash disable=SC2034  # some of what is set here is read by the scripts
# Servers measured side by side: one at a time, interleaved over rounds, on one machine in one run.
# Sourced after lib.sh, never run. The script that sources it calls compare_all, and says what there is to compare:
#   COMPARISON              the name of the results, and of their promises in report.py
#   ALL_SERVERS             airgate-…, wasmtime-…, and binaries of peers/
#   usage                   what --help prints; options prints the part that is the same for all
#   build                   builds what it needs of peers/, with build_peer
#   peer_of NAME            prints the binary, for those of peers/
#   component_of NAME       prints the component it serves, if any
#   command_for NAME PORT ADMIN_PORT   sets command
#   target_of NAME          prints the path that is asked for
#   body_of NAME            prints what it must answer; nothing: it is not looked at
# and where it needs them: prepare, before the first server; before_load and after_load NAME, around what is measured.

readonly WASMTIME_VERSION=48.0.8
readonly CSV_COLUMNS=server,round,requests,duration_us,p50_us,p99_us,p999_us,max_us,cpu_us,rss_kib,peak_kib,ready_us
readonly PEERS=$loadtest/peers/target/release

rounds=3
duration=10     # seconds measured
warm_up=3       # seconds before them
install=no
strict=()
servers=()
skipped=()

options() {
  cat <<TEXT
  --rounds N         rounds over all servers, default 3
  --duration S       seconds measured for each server in a round, default 10
  --connections N    kept-alive connections, default $CONNECTIONS
  --only NAME,…      of: ${ALL_SERVERS[*]}
  --quick            1 round of 3 seconds: does it run at all
  --install          cargo install wasmtime-cli $WASMTIME_VERSION where it is missing (long)
  --strict           exit 3 where a promised ratio is missed or was not measured
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

number() {
  [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || { say "$1 needs a whole number above 0"; exit 2; }
  printf '%s\n' "$2"
}

# --- what there is to measure ---

# build_peer BINARY   unless it is somebody else's
build_peer() {
  [[ $1 == "$PEERS/"* ]] || return 0
  say "building $(basename "$1")"
  cargo build --quiet --release --locked --manifest-path "$loadtest/peers/Cargo.toml" \
    --target-dir "$loadtest/peers/target" --bin "$(basename "$1")"
}

install_wasmtime() {
  [[ $install == yes ]] && ! command -v "$WASMTIME" >/dev/null || return 0
  cargo install wasmtime-cli --version "$WASMTIME_VERSION" --locked
}

wanted() { [[ " ${servers[*]} " == *" $1 "* ]]; }

# why_not NAME   prints what is missing, nothing when the server can run
why_not() {
  local component peer
  peer=$(peer_of "$1")
  [[ -z $peer || -x $peer ]] || echo "$(basename "$peer") is not built"
  case $1 in
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

# wasmtime_command NAME PORT   sets command
# -Scli links wasi:cli, which most toolchains import unused; every other option is left at its default.
wasmtime_command() {
  local reuse=()
  [[ $1 != *-reused ]] || reuse=(--max-instance-reuse-count 1000000)
  command=("$WASMTIME" serve -Scli --addr "127.0.0.1:$2" "${reuse[@]}" "$(component_of "$1")")
}

# airgate_component NAME COMPONENT   its table, with the mode of the server; its other tables can follow
airgate_component() {
  printf '[component.%s]\nsource = "%s"\n' "$2" "$(component_of "$1")"
  case $1 in
    airgate-reused) printf '[component.%s.instances]\nreuse = 1000000\n' "$2" ;;
    airgate-p3) printf '[component.%s.instances]\nreuse = 128\nconcurrent = 16\n' "$2" ;;
  esac
}

# --- measuring ---

prepare() { :; }
before_load() { :; }
after_load() { :; }

# check_body NAME URL
check_body() {
  local expected body
  expected=$(body_of "$1")
  [[ -n $expected ]] || return 0
  body=$(curl --silent --show-error --max-time 10 "$2") || server_died "$1: curl failed"
  [[ $body == "$expected" ]] || server_died "$1: answered \"$body\" instead of \"$expected\""
}

measure() {
  local name=$1 round=$2 port admin_port target url command cpu_before cpu_after
  read -r port admin_port <<<"$(free_ports 2)"
  command_for "$name" "$port" "$admin_port"
  start_server "$work/$name.log" "${command[@]}"
  target=$(target_of "$name")
  url=http://127.0.0.1:$port$target
  wait_for_answer "$port" "$target"
  check_body "$name" "$url"
  load "$warm_up" "$url"
  require_no_errors "$name, warming up"
  before_load "$name"
  cpu_before=$(cpu_us "$server_pid")
  load "$duration" "$url"
  cpu_after=$(cpu_us "$server_pid")
  require_no_errors "$name"
  after_load "$name"
  write_row "$name" "$round" $((cpu_after - cpu_before))
  stop_server
}

write_row() {
  local row
  row=$1,$2,$(value requests),$(value duration_us),$(value p50_us),$(value p99_us),$(value p999_us),$(value max_us)
  row+=,$3,$(memory_kib "$server_pid" VmRSS),$(memory_kib "$server_pid" VmHWM),$ready_us
  printf '%s\n' "$row" >>"$results/$COMPARISON.csv"
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

# compare_all ARGUMENT…   all of it, from the command line to the report
compare_all() {
  parse_arguments "$@"
  need_tools wrk curl python3 awk
  begin
  build
  install_wasmtime
  drop_missing
  prepare
  printf '%s\n' "$CSV_COLUMNS" >"$results/$COMPARISON.csv"
  local round name
  for ((round = 1; round <= rounds; round++)); do
    for name in "${servers[@]}"; do measure "$name" "$round"; done
    servers=("${servers[@]:1}" "${servers[0]}")    # nobody is always first, or always after the same one
  done
  facts >"$work/facts"
  report compare "$COMPARISON" "$results/$COMPARISON.csv" --facts "$work/facts" --out "$results/$COMPARISON.md" \
    "${strict[@]}"
}
