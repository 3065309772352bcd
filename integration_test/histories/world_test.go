package histories_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
)

// world is one history: a user's browser with its tabs, perhaps a thief, the
// application, and what the specification says of every token.
type world struct {
	*env
	app    *rig.App
	rules  rules
	window time.Duration
	user   string

	kind  clientKind
	jar   *rig.Jar
	tabs  []*tab
	thief thief

	logins  map[string]*login // by handle
	access  map[string]*accessToken
	refresh map[string]*refreshToken
	spent   time.Duration // how far the clock went
}

func newWorld(t *rapid.T, ctx context.Context, e *env) *world { //nolint:revive // t first, as in every test
	e.users++
	w := &world{
		env: e, user: fmt.Sprint("user", e.users),
		kind:   rapid.SampledFrom(clientKinds).Draw(t, "client"),
		logins: map[string]*login{}, access: map[string]*accessToken{}, refresh: map[string]*refreshToken{},
	}
	w.window = w.kind.window
	if !w.kind.needsWindow() && rapid.Bool().Draw(t, "window") {
		w.window = window
	}
	w.rules = rules{window: w.window.Milliseconds(), idle: idleValidity.Milliseconds()}
	w.jar = rig.NewJar(e.clock.Now, w.kind.native)
	for range w.kind.tabs {
		w.tabs = append(w.tabs, &tab{})
	}
	w.thief.kind = rapid.SampledFrom(thiefKinds).Draw(t, "thief")
	e.store.Arm()
	app, err := e.start(ctx, w.window)
	if err != nil {
		t.Fatal(err)
	}
	w.app = app
	return w
}

func (w *world) now() int64 { return w.clock.Now().UnixMilli() }

// send carries one message to the application and back, and compares the answer
// with the legal ones.
func (w *world) send(t *rapid.T, who string, r rig.Request, f fault) rig.Reply {
	w.arm(f)
	reply, err := w.client.Do(context.Background(), w.app.URL, r)
	w.disarm(t, f)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	t.Logf("%s %s -> %s %s", r.Method, r.Path, reply.Answer(), reply.Body)
	w.tally.answered(who, reply.Answer())
	if path := r.Path; path == rig.SignOutPath && reply.Answer() == rig.OK {
		w.tally["sign-out"]++
	}
	w.judge(t, r, reply, f.any())
	if a := reply.Answer(); clears(reply) && !a.Over() && r.Path != rig.SignOutPath {
		t.Fatalf("%s cleared the client's tokens", a)
	}
	return reply
}

func clears(r rig.Reply) bool {
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if c.MaxAge < 0 {
			return true
		}
	}
	values := r.Header.Values("St-Access-Token")
	return len(values) > 0 && values[0] == ""
}

// judge narrows what is known of the session, or fails.
func (w *world) judge(t *rapid.T, r rig.Request, reply rig.Reply, faulty bool) {
	path, query, _ := strings.Cut(r.Path, "?")
	seen := reply.Answer()
	if path == "/login" {
		w.judgeLogin(t, r, reply, faulty)
		return
	}
	l := w.loginOf(path, r)
	if l == nil {
		if want := refusalOf(path, r); seen != want && !(path == rig.RefreshPath && seen == rig.Unavailable && w.namesNewKey(r.Refresh)) {
			t.Fatalf("no token of ours: want %s, got %s", want, seen)
		}
		return
	}
	wasLive := l.surelyLive(w.now())
	possible := l.after(faulty, func(s state) (rig.Answer, []state) { return w.request(s, path, query, r, reply) })
	if !l.narrow(seen, possible) {
		t.Fatalf("%s %s: %s is not legal in any of %d states; faulty %v", r.Method, path, seen, len(l.states), faulty)
	}
	if seen.Over() && wasLive && !l.stolen && !l.ended {
		t.Fatalf("an honest user was logged out: %s", seen)
	}
	w.sideEffects(l, path, seen, faulty)
	// A promoted access token comes with whatever the handler answers.
	w.learn(t, l, path, r, reply)
}

// refusalOf is the answer to a request without a token that was ever issued.
func refusalOf(path string, r rig.Request) rig.Answer {
	if path != rig.RefreshPath && r.Access != "" {
		return rig.TryRefresh
	}
	return rig.Unauthorised
}

// namesNewKey: a forged refresh token can name a key that nobody has heard of. Once in
// ten seconds that is looked up; in between the key may be newer than what is known,
// and only a later attempt can tell.
func (w *world) namesNewKey(forged string) bool {
	key := keyIDOf(forged)
	for genuine := range w.refresh {
		if key == keyIDOf(genuine) {
			return false
		}
	}
	return key != ""
}

// keyIDOf reads the key id of a refresh token, whose layout internal/token has.
func keyIDOf(refresh string) string {
	bytes, err := base64.RawURLEncoding.DecodeString(refresh)
	if err != nil || len(bytes) < 2 || len(bytes) < 2+int(bytes[1]) {
		return ""
	}
	return string(bytes[2 : 2+bytes[1]])
}

func (w *world) loginOf(path string, r rig.Request) *login {
	if path == rig.RefreshPath {
		if token := w.refresh[r.Refresh]; token != nil {
			return token.session
		}
		return nil
	}
	if token := w.access[r.Access]; token != nil {
		return token.refresh.session
	}
	return nil
}

// request is the specification of one request: the answer, and the states that the
// session goes through.
func (w *world) request(s state, path, query string, r rig.Request, reply rig.Reply) (rig.Answer, []state) {
	if path == rig.RefreshPath {
		o := s.refresh(w.refresh[r.Refresh], w.now(), w.rules)
		if _, refresh, _ := tokensOf(reply); reply.Answer() == rig.OK && o.answer == rig.OK && o.repeats != (refresh == r.Refresh) {
			return rig.Other, []state{o.state} // a new token where this state repeats, or the reverse
		}
		return o.answer, []state{o.state}
	}
	a := w.access[r.Access]
	if r.Method != http.MethodGet && !w.kind.native && r.AntiCSRF != a.csrf {
		return rig.TryRefresh, []state{s}
	}
	o, _ := s.verify(a, path == "/strict", w.now(), w.rules)
	if o.answer != rig.OK {
		return o.answer, []state{o.state}
	}
	verified, final := o.state, o.state
	switch {
	case path == rig.SignOutPath, path == "/revoke-all":
		final.revoked = true
	case path == "/data" && !final.live(w.now()):
		return rig.Unauthorised, []state{verified}
	case path == "/data" && r.Method == http.MethodPut:
		final.data = `"` + strings.TrimPrefix(query, "value=") + `"`
	case path == "/data" && reply.Answer() == rig.OK && reply.Body != `{"data":`+final.data+`}`:
		return rig.Other, []state{verified} // another value than this state has
	}
	return rig.OK, []state{verified, final}
}

// sideEffects are those on other sessions, and what a request was meant for.
func (w *world) sideEffects(l *login, path string, seen rig.Answer, faulty bool) {
	switch path {
	case rig.SignOutPath:
		l.ended = l.ended || seen == rig.OK || faulty
	case "/revoke-all":
		if seen == rig.OK || faulty && seen == rig.Unavailable {
			w.endAll(seen == rig.OK)
		}
	}
}

// endAll is what revoke-all does to the user's sessions; unless it surely did,
// each may have ended or not.
func (w *world) endAll(surely bool) {
	for _, l := range w.logins {
		l.ended = true
		for _, s := range l.states {
			if !s.live(w.now()) {
				continue
			}
			s.revoked = true
			l.add(s)
		}
		if surely {
			l.drop(func(s state) bool { return s.live(w.now()) })
		}
	}
}
