#!/usr/bin/env bash
# Vets and tests the modules of contrib, which are no part of ./...: with the race
# detector, and with the programs that they are tried with.
#
# Usage: contrib.sh [GO-TEST-ARGUMENT...]
#
# SESSIONKIT_TEST_PROMETHEUS=1, which this sets, makes a missing promtool or prometheus a
# failure; without it the tests that run them are skipped, and say so.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
need_cc
need promtool prometheus
export CGO_ENABLED=1 SESSIONKIT_TEST_PROMETHEUS=1
rc=0
for module in contrib/*/go.mod; do
  module=${module%/*}
  go -C "$module" mod tidy -diff || rc=1
  go -C "$module" vet ./... || rc=1
  scripts/with-db.sh go -C "$module" test -race -shuffle=on -timeout=20m "$@" ./... || rc=1
done
exit "$rc"
