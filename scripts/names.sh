#!/usr/bin/env bash
# Counts what the library exports, top-level names and methods, and fails when a package
# has more than is budgeted: each name is a promise for years. Raise a budget in the
# commit that needs it, and say there why.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "${self%/*}/.."

declare -A budget=([session]=224 [session/claim]=30 [middleware]=14 [refresh]=7 [devices]=2 [jwks]=1 [services]=3 [verify]=17 [errors]=59 [models]=89 [models/gormstore]=43
  [models/gormstore/sqlite]=2 [models/memstore]=33 [session/storetest]=49 [session/sessiontest]=23)

# names PACKAGE: constants, variables, types, functions and methods of `go doc -all`.
names() {
  go doc -all "./$1" | awk '
    /^ *(const|var) \($/ { block = 1; next }
    block && /^ *\)$/ { block = 0; next }
    block { if (/^\t+[A-Z][A-Za-z0-9_]*( |,|$)/) n++; next }
    /^(const|var|type) [A-Z]/ || /^func [A-Z(]/ { n++ }
    END { print n + 0 }'
}

rc=0
for package in "${!budget[@]}"; do
  count=$(names "$package")
  printf '%-18s %3d names, budget %d\n' "$package" "$count" "${budget[$package]}"
  ((count <= budget[$package])) || rc=1
done | sort
for package in "${!budget[@]}"; do
  (($(names "$package") <= budget[$package])) || { say "$package exports more than its budget"; rc=1; }
  if go doc -all "./$package" | grep -nE '^type .* = |\b(token|keyring|wire|lineage|redact)\.[A-Z]'; then
    say "$package: the lines above show a type of an internal package"
    rc=1
  fi
done
exit "$rc"
