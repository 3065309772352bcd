package rig

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/middleware"
)

// Reasons counts the errors that an application answered with 500 or 503, by their
// texts: numbers and fixed words, as the store lets nothing else into them. The zero
// Reasons is empty.
type Reasons struct {
	mu       sync.Mutex
	internal map[string]int
	away     map[string]int
}

// Watch is for AppConfig.Routes.
func (r *Reasons) Watch(router *gin.Engine, _ *App) {
	router.Use(middleware.OnError(func(_ *gin.Context, err error) bool {
		r.note(err)
		return false
	}))
}

// note: the classes that have an answer of their own are no failures.
func (r *Reasons) note(err error) {
	for _, answered := range []error{
		errors.ErrTokenTheft, errors.ErrUnauthorised, errors.ErrTryRefreshToken, errors.ErrCrossOrigin,
		errors.ErrInvalidClaim, errors.ErrSessionLimit,
	} {
		if errors.Is(err, answered) {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, errors.ErrUnavailable) {
		count(&r.away, withoutPorts(err))
	} else {
		count(&r.internal, withoutPorts(err))
	}
}

// withoutPorts makes errors of different connections one.
func withoutPorts(err error) string {
	return regexp.MustCompile(`\b(\d+\.\d+\.\d+\.\d+):\d+`).ReplaceAllString(err.Error(), "$1")
}

// Internal lists what was answered with 500, with how often.
func (r *Reasons) Internal() []string { return r.list(&r.internal) }

// Unavailable lists what was answered with 503, with how often.
func (r *Reasons) Unavailable() []string { return r.list(&r.away) }

func (r *Reasons) list(of *map[string]int) (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(*of)) {
		lines = append(lines, fmt.Sprintf("%d × %s", (*of)[text], text))
	}
	return lines
}
