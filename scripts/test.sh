#!/usr/bin/env bash
# All tests with the race detector, against real databases.
#
# Usage: test.sh [GO-TEST-ARGUMENT...]
#
# PKG names the packages (default ./..., those of integration_test too; see go.sh).
# See with-db.sh for the databases.
# go test's lines go to stdout, everything else to stderr; the exit code is go's.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
need_cc
# A test sends requests through the nginx that the pages describe; without it that is
# skipped.
have nginx || [[ -x /usr/sbin/nginx ]] || ! may_install || apt_install nginx-light || say "nginx could not be installed"
export CGO_ENABLED=1 # the race detector needs it
# The tag sqlite is the example's: its tests on a SQLite file.
# shellcheck disable=SC2086 # a list of packages
exec scripts/with-db.sh scripts/go.sh test -tags sqlite -race -shuffle=on -timeout=30m "$@" -- ${PKG:-./...}
