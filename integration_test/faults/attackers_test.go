//go:build faults

package faults_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// besieged is a crowd on an instance of its own, whose browsers are attacked.
type besieged struct {
	what  string
	mode  func(*session.Config)
	crowd rig.CrowdConfig
}

func strictly(c *session.Config) { c.AccessTokenValidity = 2 * time.Second }

func windowed(c *session.Config) {
	c.AccessTokenValidity, c.ConcurrentRefreshWindow = window+time.Second, window
}

// Foreign pages post what browsers let them, in the users' names, while the users go on.
func TestF43_ForeignPagesPost(t *testing.T) {
	none := func(mode func(*session.Config)) func(*session.Config) {
		return func(c *session.Config) {
			mode(c)
			c.Cookie.SameSite = http.SameSiteNoneMode
		}
	}
	pages, across := rig.CrowdConfig{ForeignPages: true}, rig.CrowdConfig{ForeignPages: true, AnySite: true}
	besiege(t, "F-43", []besieged{
		{"foreign pages post, SameSite None", none(strictly), across},
		{"the same, in window mode", none(windowed), across},
		{"foreign pages post, SameSite Lax", strictly, pages},
	})
}

// A sibling host plants cookies ahead of the users' own and beside them.
func TestF44_PlantedCookies(t *testing.T) {
	planted, prefixed := rig.CrowdConfig{Planters: true}, rig.CrowdConfig{Planters: true, Prefixed: true}
	besiege(t, "F-44", []besieged{
		{"a sibling host plants cookies", strictly, planted},
		{"the same, in window mode", windowed, planted},
		{"the same, with prefixes", func(c *session.Config) {
			strictly(c)
			c.Cookie.Prefixes = session.PrefixHost
		}, prefixed},
	})
}

func besiege(t *testing.T, id string, rows []besieged) {
	t.Helper()
	s := setUp(t, setting{})
	var apps []*rig.App
	var crowds []*rig.Crowd
	for i, row := range rows {
		app := s.start(setting{}, row.mode)
		row.crowd.Browsers, row.crowd.Tabs, row.crowd.Loss, row.crowd.Pace, row.crowd.Eager = 8, 2, 0.05, 200*time.Millisecond, 0.2
		row.crowd.Users = string(rune('a'+i)) + "-user"
		if cfg := modeOf(row.mode); cfg.ConcurrentRefreshWindow == 0 {
			row.crowd.Strict = []string{app.URL}
		} else {
			row.crowd.Window = []string{app.URL}
		}
		apps, crowds = append(apps, app), append(crowds, rig.StartCrowd(t, row.crowd))
	}
	sleep(t.Context(), 40*time.Second)
	for _, crowd := range crowds {
		crowd.Stop()
	}
	results := make([]rig.Result, len(rows))
	for i, crowd := range crowds {
		results[i] = crowd.Check(t, s.store, s.ledger, false)
	}
	s.close(apps)
	for i, row := range rows {
		r := results[i]
		r.Print(id, row.what, stat("attacks", r.Attacks), stat("of_the_rarest_kind", r.FewestAttacks), stat("reached", r.Reached),
			stat("acted_as_others", r.Strangers), stat("blocked", r.Blocked))
	}
}

func modeOf(mode func(*session.Config)) (c session.Config) {
	mode(&c)
	return c
}
