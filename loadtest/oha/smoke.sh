#!/usr/bin/env bash
# Does it answer at all? 200 requests on 5 connections; every one must succeed.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run smoke "${P99_MS:-100}" 0 -n 200 -c 5
finish
