#!/usr/bin/env bash
# Has verifiers that are not ours read our access tokens by our JWK Set, and refuse
# what they must (integration_test/verifiers).
#
# Usage: verifiers.sh [GO-TEST-ARGUMENT...]
#
# Installs what is missing, where we may: Node.js, PyJWT and ruby-jwt as Debian has
# them, and jose of the lockfile from npm. keyfunc is in integration_test/go.mod.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
dir=integration_test/verifiers

# need_library PROGRAM CODE PACKAGE...: installs PACKAGE... unless PROGRAM runs CODE.
need_library() {
  local program=$1 code=$2
  shift 2
  ! "$program" "${code%% *}" "${code#* }" >/dev/null 2>&1 || return 0
  may_install || die "$program cannot run '$code'. Install it, on Debian and Ubuntu with: sudo apt-get install $*"
  apt_install "$@"
}

need node nodejs
need npm npm
need_npm "$dir"
# The system's own: another one in PATH does not see Debian's packages.
need_library /usr/bin/python3 '-c import jwt, cryptography' python3 python3-jwt python3-cryptography
need_library /usr/bin/ruby '-e require "jwt"' ruby ruby-jwt

exec go -C "$dir" test -tags verifiers -count=1 -timeout 5m . "$@"
