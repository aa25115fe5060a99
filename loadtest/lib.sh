# shellcheck shell=bash disable=SC2034  # what is set here is read by the scripts
# What the measuring scripts share: starting and stopping servers, and reading what they cost.
# Sourced, never run. Every server started here is stopped by its own process id, whatever ends the script.

loadtest=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$loadtest")
results=$loadtest/results

AIRGATE=${AIRGATE:-$repository/target/release/airgate}
WASMTIME=${WASMTIME:-wasmtime}
HELLO_P2=${HELLO_P2:-$repository/fixtures/components/hello.wasm}
HELLO_P3=${HELLO_P3:-$repository/fixtures/components/hello-p3.wasm}
SPIN=${SPIN:-$repository/fixtures/components/spin.wasm}
HELLO_JS=${HELLO_JS:-$repository/target/interop/js-hello.wasm}

CONNECTIONS=${CONNECTIONS:-32}
# Where there are few cores, a second wrk thread only takes time from the server.
WRK_THREADS=${WRK_THREADS:-$(($(nproc) > 3 ? 2 : 1))}
START_TIMEOUT=${START_TIMEOUT:-60}   # seconds until the first good answer
STOP_TIMEOUT=${STOP_TIMEOUT:-15}     # seconds from SIGTERM to SIGKILL

server_pid=''
load_pid=''     # a load generator that runs beside the measured one
origin_pid=''   # a server behind the measured one
work=''

say() { printf '%s\n' "$*" >&2; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

need_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "$tool is not installed (Debian: apt-get install $tool)"
  done
}

report() { python3 "$loadtest/report.py" "$@"; }

# --- the life of the script ---

begin() {
  [[ -r /proc/self/stat ]] || fail 'CPU time and memory are read from /proc: this runs on Linux'
  mkdir -p "$results"
  work=$(mktemp -d)
  trap clean_up EXIT
  trap : PIPE    # a server that closes early must not end the script
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

clean_up() {
  [[ -z $load_pid ]] || kill "$load_pid" 2>/dev/null || true
  stop_server
  [[ -z $origin_pid ]] || kill "$origin_pid" 2>/dev/null || true
  [[ -z $work ]] || rm -rf "$work"
}

# --- one server ---

# free_ports COUNT   Read it with <<<"$(…)", which waits until the ports are let go again.
# They lie below the kernel's own range: there, a connection that is tried before the server listens can be given
# the very port it is for, connect to itself, and keep the server from binding.
free_ports() {
  python3 - "$1" <<'PYTHON'
import random, socket, sys
first_ephemeral = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
held = []
while len(held) < int(sys.argv[1]):
    try:
        held.append(socket.create_server(("127.0.0.1", random.randrange(first_ephemeral // 2, first_ephemeral))))
    except OSError:
        pass
print(*(s.getsockname()[1] for s in held))
PYTHON
}

# start_server LOG COMMAND…   sets server_pid and start_us
start_server() {
  server_log=$1
  shift
  start_us=${EPOCHREALTIME//[!0-9]/}
  # Their caches go to the run's own directory: the first start of a run is a cold one for everybody.
  XDG_CACHE_HOME=$work/cache "$@" >"$server_log" 2>&1 &
  server_pid=$!
}

stop_server() {
  [[ -n $server_pid ]] || return 0
  local pid=$server_pid deadline=$((SECONDS + STOP_TIMEOUT))
  server_pid=''
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS >= deadline)); then
      say "process $pid ignored SIGTERM for ${STOP_TIMEOUT}s: killed"
      kill -KILL "$pid" 2>/dev/null || true
      break
    fi
    nap 0.02
  done
  wait "$pid" 2>/dev/null || true
}

# A sleep without a process: a fork every millisecond would disturb what is being timed.
nap() {
  [[ -n ${nap_fd:-} ]] || exec {nap_fd}<> <(:)
  read -r -t "$1" -u "$nap_fd" || true
}

server_died() {
  say "--- the last of $server_log"
  tail -n 40 "$server_log" >&2
  fail "$1"
}

# wait_for_answer PORT PATH   sets ready_us: from start_server to the first 200
wait_for_answer() {
  local deadline=$((SECONDS + START_TIMEOUT))
  until answers_ok "$1" "$2"; do
    kill -0 "$server_pid" 2>/dev/null || server_died 'the server ended before it answered'
    ((SECONDS < deadline)) || server_died "no good answer within ${START_TIMEOUT}s"
    nap 0.001
  done
  ready_us=$((${EPOCHREALTIME//[!0-9]/} - start_us))
}

answers_ok() {
  local status_line='' connection
  { exec {connection}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" 1>&"$connection" 2>/dev/null || true
  read -r -t 10 -u "$connection" status_line 2>/dev/null || true
  exec {connection}>&-
  [[ $status_line == 'HTTP/1.1 200'* ]]
}

# --- what it costs ---

# The process and all its descendants; a child that has ended counts in its parent's.
process_tree() {
  local task child
  printf '%s\n' "$1"
  for task in "/proc/$1/task"/*/children; do
    # A task that has just ended has no file to read: not an error.
    while read -r -d ' ' child; do process_tree "$child"; done < <(cat "$task" 2>/dev/null)
  done
}

# User and system time so far, in microseconds (the kernel counts in ticks, usually of 10 ms).
cpu_us() {
  local pid stat fields ticks=0
  for pid in $(process_tree "$1"); do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    read -ra fields <<<"${stat##*) }"    # past the name, which may contain spaces: state is field 0
    ticks=$((ticks + fields[11] + fields[12] + fields[13] + fields[14]))
  done
  printf '%s\n' $((ticks * 1000000 / $(getconf CLK_TCK)))
}

# memory_kib PID FIELD   VmRSS, VmHWM, RssAnon, RssFile: KiB
memory_kib() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"; }

# --- load ---

# load SECONDS URL [CONNECTIONS]   sets measured to latency.lua's line; any error is the caller's to judge
load() {
  local output
  output=$(wrk -t "$WRK_THREADS" -c "${3:-$CONNECTIONS}" -d "${1}s" --timeout 10s \
    -s "$loadtest/latency.lua" "$2" 2>&1) || fail "wrk failed: $output"
  measured=$(grep '^measured ' <<<"$output") || fail "wrk printed no result: $output"
}

# value NAME   one figure of the measured line
value() {
  local pair
  for pair in $measured; do
    [[ $pair == "$1="* ]] && { printf '%s\n' "${pair#*=}"; return; }
  done
  fail "no $1 in: $measured"
}

require_no_errors() {
  local kind
  for kind in connect read write timeout status; do
    [[ $(value "$kind") == 0 ]] || server_died "$1: errors during the load: $measured"
  done
  (($(value requests) > 0)) || server_died "$1: not one request was answered"
}

# --- the gateway's configuration ---

# airgate_preamble PORT ADMIN_PORT STATE_DIR
airgate_preamble() {
  cat <<TOML
version = 1
[server]
listen = ["127.0.0.1:$1"]
[admin]
listen = "127.0.0.1:$2"
[telemetry]
log_format = "json"
access_log = false
[state]
dir = "$3"
TOML
}

need_airgate() {
  [[ -x $AIRGATE ]] || fail "$AIRGATE is missing: cargo build --release (or set AIRGATE)"
}

need_component() {
  [[ -s $2 ]] || fail "component $2 is missing (set $1 to its path)"
}
