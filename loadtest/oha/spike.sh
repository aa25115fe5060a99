#!/usr/bin/env bash
# Does it survive a crowd, and recover? Calm, ten times the rate, calm again.
# A gateway may shed load in the spike (503): one request in a hundred may fail there, none in the calm.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

calm=${BASE_RATE:-500}     # requests a second
step=${STEP:-20s}

at_rate "$calm" 'before the spike' "${P99_MS:-100}" 0 -z "$step" -c 50
at_rate $((calm * 10)) 'in the spike' "${SPIKE_P99_MS:-1000}" 0.01 -z "$step" -c 500
at_rate "$calm" 'after the spike' "${P99_MS:-100}" 0 -z "$step" -c 50
finish
