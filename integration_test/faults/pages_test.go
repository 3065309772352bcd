//go:build faults

package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Browsers without scripts: they keep cookies, follow redirects and send forms, several
// tabs at once, while messages get lost and the database goes away for a while.
func TestF56_Pages(t *testing.T) {
	s := setUp(t, setting{})
	pages := s.start(setting{app: func(c *rig.AppConfig) { c.Pages = true }}, func(c *session.Config) {
		c.AccessTokenValidity, c.ConcurrentRefreshWindow = window+time.Second, window
	})
	crowd := rig.StartCrowd(t, rig.CrowdConfig{
		Strict: []string{s.strict.URL}, Window: []string{s.window.URL}, Pages: []string{pages.URL},
	})
	sleep(t.Context(), 15*time.Second)
	gone := s.outage(3 * time.Second)
	sleep(t.Context(), 15*time.Second)
	crowd.Stop()
	dances := crowd.Tally().Numbers().Dances
	s.finish(crowd, "F-56", "browsers without scripts, database gone 3 s", false, []*rig.App{pages},
		stat("gone", gone.Round(100*time.Millisecond)), stat("dances", dances))
	assert.Greater(t, dances, 20)
}
