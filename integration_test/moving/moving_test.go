//go:build moving

package moving_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/session"
)

// visitor is a browser of one user, which sends by the front address.
type visitor struct {
	*rig.Jar
	m      *move
	client *rig.Client
}

func (m *move) visitor() *visitor {
	client := rig.NewClient(10 * time.Second)
	m.t.Cleanup(client.Close)
	return &visitor{rig.NewJar(time.Now, false), m, client}
}

// twin is what a thief has who copied the jar.
func (v *visitor) twin() *visitor { return &visitor{v.Copy(), v.m, v.client} }

func (v *visitor) do(method, path string) rig.Reply {
	v.m.t.Helper()
	reply, err := v.client.Do(context.Background(), v.m.front.URL, v.Request(method, path))
	require.NoError(v.m.t, err)
	v.Take(reply)
	return reply
}

func (v *visitor) signIn(query string) {
	v.m.t.Helper()
	require.Equal(v.m.t, rig.OK, v.do(http.MethodPost, "/login?"+query).Answer())
}

func (v *visitor) refresh() rig.Answer {
	v.m.t.Helper()
	return v.do(http.MethodPost, rig.RefreshPath).Answer()
}

// comesOver is what a front end does after the change: its old access token is refused,
// it refreshes, and asks again.
func (v *visitor) comesOver(user string) rig.Reply {
	v.m.t.Helper()
	require.Equal(v.m.t, rig.TryRefresh, v.do(http.MethodGet, "/me").Answer())
	require.Equal(v.m.t, rig.OK, v.refresh())
	reply := v.do(http.MethodGet, "/me")
	require.Equal(v.m.t, rig.OK, reply.Answer())
	require.Equal(v.m.t, user, reply.User())
	return reply
}

// What the Node library knows of a session comes over: user, payload, data.
func TestMove_aSession(t *testing.T) {
	m := newMove(t)
	ada, bob := m.visitor(), m.visitor()
	ada.signIn("user=ada")
	bob.signIn("number=17")
	require.Equal(t, rig.OK, ada.do(http.MethodPut, "/data?value=cart").Answer())
	require.Equal(t, rig.OK, bob.refresh(), "its child is not promoted yet")
	m.prepare()
	m.change()
	require.Contains(t, ada.comesOver("ada").Body, `"role":"user"`)
	require.JSONEq(t, `{"data":"cart"}`, ada.do(http.MethodGet, "/data").Body)
	bob.comesOver("17")
	for _, user := range []string{"ada", "17"} {
		list, err := m.apps[0].Svc.List(t.Context(), user)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.WithinDuration(t, time.Now(), list[0].CreatedAt, time.Minute, "the handle says when")
	}
}

// A thief of before the change gives itself away after it, whoever comes first, and
// wherever the family was when the token was stolen.
func TestMove_thieves(t *testing.T) {
	for name, row := range map[string]struct {
		// live is what the victim does after the copy, before the change.
		live func(t *testing.T, victim *visitor)
		// first and second come after the change; the second one gives both away.
		thiefFirst bool
		// atOnce says that the first one does so already.
		atOnce bool
	}{
		"the stolen token is the current one, the victim comes first": {live: func(*testing.T, *visitor) {}},
		"the stolen token is the current one, the thief comes first":  {live: func(*testing.T, *visitor) {}, thiefFirst: true},
		"the victim has a child of it": {live: func(t *testing.T, victim *visitor) {
			t.Helper()
			require.Equal(t, rig.OK, victim.refresh())
		}},
		"it was replaced, the victim comes first": {live: moveOn},
		"it was replaced, the thief comes first":  {live: moveOn, thiefFirst: true, atOnce: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMove(t)
			victim := m.visitor()
			victim.signIn("user=ada")
			thief := victim.twin()
			row.live(t, victim)
			m.prepare()
			m.change()
			first, second := victim, thief
			if row.thiefFirst {
				first, second = thief, victim
			}
			if row.atOnce {
				require.Equal(t, rig.Theft, first.refresh())
				require.Equal(t, rig.Unauthorised, second.refresh())
			} else {
				first.comesOver("ada")
				require.Equal(t, rig.Theft, second.refresh())
				require.Equal(t, rig.Unauthorised, first.refresh())
			}
			require.Equal(t, 1, m.ledger.Kind(session.EventTheft))
			require.Eventually(t, func() bool { return len(m.ledger.Callbacks()) == 1 }, 5*time.Second, 10*time.Millisecond)
		})
	}
}

// moveOn is a refresh whose answer was used: what was there before is replaced.
func moveOn(t *testing.T, victim *visitor) {
	t.Helper()
	require.Equal(t, rig.OK, victim.refresh())
	require.Equal(t, rig.OK, victim.do(http.MethodGet, "/me").Answer())
}

// What cannot be taken over: no session, nothing cleared, nothing deleted.
func TestMove_refused(t *testing.T) {
	for name, row := range map[string]struct {
		query  string
		before func(m *move)
	}{
		"past Sunset":    {"user=ada", func(m *move) { m.sunset = time.Now().Add(-time.Second) }},
		"reserved names": {"user=ada&reserved=1", func(*move) {}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMove(t)
			v := m.visitor()
			v.signIn(row.query)
			row.before(m)
			m.prepare()
			m.change()
			token := v.Refresh()
			require.Equal(t, rig.Unauthorised, v.refresh())
			require.Equal(t, token, v.Refresh())
			require.Equal(t, 1, m.rows("refresh_token"))
			require.Zero(t, m.rows("auth_sessions"))
		})
	}
	t.Run("an unknown key", func(t *testing.T) {
		m := newMove(t)
		v := m.visitor()
		v.signIn("user=ada")
		m.exec("UPDATE signing_key SET key_value = 'b2hlciBrZXk=' WHERE key_name = 'refresh_token_key'")
		m.prepare()
		m.change()
		token := v.Refresh()
		require.Equal(t, rig.Unauthorised, v.refresh())
		require.Equal(t, token, v.Refresh())
		require.Equal(t, 1, m.rows("refresh_token"))
	})
	t.Run("signed out there", func(t *testing.T) {
		m := newMove(t)
		v := m.visitor()
		v.signIn("user=ada")
		thief := v.twin()
		require.Equal(t, rig.OK, v.do(http.MethodPost, rig.SignOutPath).Answer())
		m.prepare()
		m.change()
		require.Equal(t, rig.Unauthorised, thief.refresh())
		require.Empty(t, thief.Refresh())
	})
}

// RevokeAll reaches sessions that have not come over yet.
func TestMove_revokeAll(t *testing.T) {
	m := newMove(t)
	here, there, number, other := m.visitor(), m.visitor(), m.visitor(), m.visitor()
	here.signIn("user=17")
	there.signIn("user=17")
	number.signIn("number=17")
	other.signIn("user=bob")
	m.prepare()
	m.change()
	here.comesOver("17")
	n, err := m.apps[0].Svc.RevokeAll(t.Context(), "17")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for _, v := range []*visitor{here, there, number} {
		require.Equal(t, rig.Unauthorised, v.refresh())
	}
	other.comesOver("bob")
}

// After Sunset the cleanup removes what has ended, and nothing that lives.
func TestMove_cleanup(t *testing.T) {
	m := newMove(t)
	m.visitor().signIn("user=ada")
	m.visitor().signIn("user=bob")
	m.prepare()
	m.exec("UPDATE refresh_token SET expires_at = 5 WHERE user_id = 'bob'")
	importer := m.importer()
	n, err := importer.DeleteEnded(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, m.rows("refresh_token"))
}

// The crowd: its back end is replaced in the middle.
func TestMove_crowd(t *testing.T) { crowd(t, 40, 3, 20*time.Second) }

// The same, small enough for CI.
func TestMove_smallCrowd(t *testing.T) { crowd(t, 12, 3, 6*time.Second) }

func crowd(t *testing.T, browsers, tabs int, each time.Duration) {
	t.Helper()
	m := newMove(t)
	people := rig.StartCrowd(t, rig.CrowdConfig{
		Browsers: browsers, Tabs: tabs, Loss: 0.16, Thieves: 0.25, Strict: []string{m.front.URL}, FrontEnds: true, Truce: true,
	})
	rig.Sleep(t.Context(), each)
	before := people.Tally().Numbers()
	m.prepare()
	m.change()
	rig.Sleep(t.Context(), each/4)
	people.EndTruce()
	rig.Sleep(t.Context(), each*3/4)
	imported := m.ledger.Imported()
	result := people.Check(t, m.store, m.ledger, false)
	assert.Positive(t, before.Refreshes)
	assert.Positive(t, imported)
	assert.LessOrEqual(t, imported, browsers, "a session came over twice")
	assert.Positive(t, result.Thieves, "nobody who stole before the change")
	result.Print("MOVE", fmt.Sprintf("%d browsers × %d tabs, back end replaced", browsers, tabs),
		rig.Stat("imported", imported), rig.Stat("refreshes_before", before.Refreshes), rig.Stat("requests_before", before.Requests),
		rig.Stat("logouts_before", before.Logouts))
}
