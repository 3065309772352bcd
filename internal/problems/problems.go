// Package problems collects all that is wrong with a configuration, so that one
// error names it at once: whoever has to mend three settings starts the program
// again once, not three times.
package problems

import (
	"fmt"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// List is what is wrong. The zero List is ready to use.
type List []error

// Addf adds a problem.
func (l *List) Addf(format string, args ...any) { *l = append(*l, fmt.Errorf(format, args...)) }

// Err is nil, or one [errors.ErrConfig] that names every problem.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return errors.WithReason(errors.ErrConfig, errors.Join(l...))
}
