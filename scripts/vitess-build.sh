# shellcheck shell=bash
# Vitess from the Go module proxy, for the scripts that start it: sourced after lib.sh.

vitess=v0.24.4

# vitess_program NAME: prints where it is, or will be. A variable such as
# SESSIONKIT_VTCOMBO names another one.
vitess_program() {
  local other=SESSIONKIT_${1^^}
  printf '%s\n' "${!other:-$(cache_dir)/$1-$vitess}"
}

# vitess_build NAME...: builds those of its programs that are not there.
vitess_build() {
  local name missing=()
  for name in "$@"; do
    [[ -x $(vitess_program "$name") ]] || missing+=("$name")
  done
  ((${#missing[@]} == 0)) || vitess_make "${missing[@]}"
}

vitess_make() (
  have go || die "go is missing: install Go 1.26 or newer"
  umask 022
  work=$(mktemp -d "$(cache_dir)/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work" || die "cannot work in $work"
  # The exclude is Vitess's own, which does not count in a dependency.
  printf '%s\n' 'module vtbuild' "go $(go_version)" "require vitess.io/vitess $vitess" \
    'exclude github.com/DataDog/opentelemetry-mapping-go/pkg/otlp/attributes v0.33.0' >go.mod
  printf '%s\n' '//go:build tools' '' 'package vtbuild' >tools.go
  printf 'import _ "vitess.io/vitess/go/cmd/%s"\n' "$@" >>tools.go
  say "building $*, some minutes ..."
  mkdir out
  { go mod tidy && nice go build -p 1 -trimpath -ldflags '-s -w' -o out/ "${@/#/vitess.io/vitess/go/cmd/}"; } >build.log 2>&1 ||
    { tail -n 20 build.log >&2 && die "cannot build $*"; }
  for name in "$@"; do
    mv "out/$name" "$(vitess_program "$name")"
  done
)
