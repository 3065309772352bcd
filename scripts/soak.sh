#!/usr/bin/env bash
# Hours of load on MariaDB with one fault after the other, each five minutes.
#
# Usage: soak.sh [HOURS]
#
# HOURS may be a fraction; default 8. Output is kept in artifacts/soak.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
need mariadbd mariadb-server
cd "${self%/*}/.."
mkdir -p artifacts/soak
export SESSIONKIT_SOAK_HOURS=${1:-8}
go -C integration_test test -tags faults -count=1 -timeout=0 -v -run '^TestSoak$' ./faults 2>&1 | tee artifacts/soak/log.txt
