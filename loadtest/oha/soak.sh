#!/usr/bin/env bash
# Does it leak or drift? RATE requests a second in SLICES of SLICE each; compare the first line with the last,
# and with PID set, the server's memory after each slice.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

slices=${SLICES:-12}
slice=${SLICE:-5m}
rate=${RATE:-1000}     # requests a second

for ((number = 1; number <= slices; number++)); do
  at_rate "$rate" "soak $number/$slices" "${P99_MS:-250}" 0.0001 -z "$slice" -c "${CONNECTIONS:-50}"
  [[ -z ${PID:-} ]] || awk '/^Vm(RSS|HWM)/ { printf "  %s %d MiB\n", $1, $2 / 1024 }' "/proc/$PID/status"
done
finish
