#!/usr/bin/env bash
# HTTP/2 without TLS, with prior knowledge: few connections, many streams on each.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run 'h2c' "${P99_MS:-250}" 0 --http2 -z "${DURATION:-20s}" -c "${CONNECTIONS:-4}" -p "${STREAMS:-16}"
finish
