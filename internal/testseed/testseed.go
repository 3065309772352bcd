// Package testseed gives random tests their numbers, and prints how to repeat them.
package testseed

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Env names the variable that repeats a random test: the number it printed.
const Env = "SESSIONKIT_SEED"

// Given is the number in Env, and whether there is one.
func Given(t testing.TB) (seed uint64, ok bool) {
	t.Helper()
	text := os.Getenv(Env)
	if text == "" {
		return 0, false
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", Env, err)
	}
	return seed, true
}

// New is the number in Env, else a random one. It is printed.
func New(t testing.TB) uint64 {
	t.Helper()
	seed, ok := Given(t)
	if !ok {
		seed = rand.Uint64()
	}
	t.Logf("%s=%d", Env, seed)
	return seed
}

// Random is a generator for one goroutine of a test.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(New(t), 0))
}
