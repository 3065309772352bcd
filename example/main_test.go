package main

import (
	"testing"

	"go.uber.org/goleak"
)

// The program must leave nothing behind when its context ends.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
