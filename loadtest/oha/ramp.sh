#!/usr/bin/env bash
# Where is the limit? Five steps up to PEAK requests a second, STEP long each; the first missed bar is the limit.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

peak=${PEAK:-5000}     # requests a second
step=${STEP:-20s}

for share in 20 40 60 80 100; do
  rate=$((peak * share / 100))
  at_rate "$rate" "ramp at $rate/s" "${P99_MS:-250}" 0.001 -z "$step" -c "${CONNECTIONS:-100}"
done
finish
