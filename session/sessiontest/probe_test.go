package sessiontest_test

import (
	"fmt"
	"testing"
)

// probe is a test that notes what would have ended it.
type probe struct {
	testing.TB
	fatal string
}

func (p *probe) Fatalf(format string, args ...any) {
	p.fatal = fmt.Sprintf(format, args...)
	panic(p.fatal)
}
