#!/usr/bin/env bash
# Fuzzes every target of the module, one after the other.
#
# Usage: fuzz.sh [TARGET-NAME...]
#
# FUZZTIME is the time for each (default 20s). A failing input is kept by Go
# under testdata/fuzz beside the test: commit it with the mend.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

cd "${self%/*}/.."
time=${FUZZTIME:-20s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# targets: "FOLDER NAME" of every fuzz target. Found in the sources, so that a
# new one needs no entry anywhere.
targets() {
  local folder
  go list -f '{{.Dir}}' ./... | while read -r folder; do
    { grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$folder"/*_test.go 2>/dev/null || true; } |
      sed "s|^func |$folder |"
  done
}

# stumbled: before Go 1.27 the end of the fuzzing time can itself be reported as
# a failure (go.dev/issue/75804). It has this message and names no input.
stumbled() {
  grep -qxE ' +context deadline exceeded' "$log" || return 1
  ! grep -qE 'Failing input|panic|hung or terminated' "$log"
}

# fuzz_one FOLDER NAME
fuzz_one() {
  local try
  for try in 1 2 3; do
    if (cd "$1" && go test -run='^$' -fuzz="^$2\$" -fuzztime="$time" -fuzzminimizetime=10x) </dev/null >"$log" 2>&1; then
      grep -E '^fuzz: elapsed' "$log" | tail -n 1
      grep -E '^ok' "$log"
      return 0
    fi
    stumbled || break
    say "$2: the fuzzer stumbled over its own deadline (attempt $try)"
  done
  tail -n 100 "$log"
  return 1
}

found=0 failed=()
while read -r folder name; do
  (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
  found=$((found + 1))
  printf '=== %s (%s)\n' "$name" "${folder#"$PWD"/}"
  fuzz_one "$folder" "$name" || failed+=("$name")
done < <(targets)

((found)) || die "no fuzz target found${*:+ with the name $*}"
((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
