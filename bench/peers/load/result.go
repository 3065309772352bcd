package load

import (
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Connections is how many are busy at the same time, whatever the load.
const Connections = 16

// ErrSilent is a measurement in which the server answered nothing, or nothing in
// time: something else had the machine. It says nothing about the server.
var ErrSilent = errors.New("load: no answer")

// Result is what one load got out of a server.
type Result struct {
	// Requests that were answered, or cycles that came full circle.
	Requests int
	Elapsed  time.Duration
	// P50 and P99 are latencies, as a client sees them.
	P50, P99 time.Duration
}

// Rate is requests or cycles per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }
