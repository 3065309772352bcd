package rig

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// EnvSeed names the variable that repeats a random test: the number it printed.
const EnvSeed = "SESSIONKIT_SEED"

// Seed is the number in EnvSeed, else a random one. It is printed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(EnvSeed); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, EnvSeed)
	}
	t.Logf("%s=%d", EnvSeed, seed)
	return seed
}

// Random is a generator for one goroutine of a test.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}
