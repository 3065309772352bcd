package histories_test

import (
	"encoding/base64"

	"pgregory.net/rapid"

	"github.com/gin-sessionkit/sessionkit/integration_test/internal/rig"
	"github.com/gin-sessionkit/sessionkit/models"
)

// tokensOf are the tokens in a reply, by cookie or header; empty where it has none.
func tokensOf(r rig.Reply) (access, refresh, csrf string) {
	access, refresh = r.Tokens()
	return access, refresh, r.Header.Get("Anti-Csrf")
}

// judgeLogin: signing in succeeds unless the database fails, and ends the
// session that the browser had.
func (w *world) judgeLogin(t *rapid.T, r rig.Request, reply rig.Reply, faulty bool) {
	if seen := reply.Answer(); seen != rig.OK {
		if !faulty || seen != rig.Unavailable {
			t.Fatalf("login: %s", seen)
		}
		return
	}
	if before := w.access[r.Access]; before != nil {
		l := before.refresh.session
		l.ended = true
		for _, s := range l.states {
			s.revoked = true
			l.add(s)
		}
		if !faulty {
			l.drop(func(s state) bool { return !s.revoked })
		}
	}
	access, refresh, csrf := tokensOf(reply)
	claims := rig.ReadClaims(access)
	l := &login{handle: claims.Handle}
	if claims.Handle == "" || w.logins[claims.Handle] != nil {
		t.Fatalf("login: handle %q", claims.Handle)
	}
	now := w.now()
	token := &refreshToken{session: l, iat: now, hash: hashOf(t, claims)}
	l.states = []state{{cur: token, curIat: now, ends: w.rules.end(now), data: "null"}}
	w.logins[l.handle], w.refresh[refresh] = l, token
	w.access[access] = &accessToken{refresh: token, expires: w.expiry(), csrf: csrf}
	w.compare(t, w.access[access], claims)
}

// learn remembers the tokens that a reply brought.
func (w *world) learn(t *rapid.T, l *login, path string, r rig.Request, reply rig.Reply) {
	access, refresh, csrf := tokensOf(reply)
	switch {
	case path == rig.RefreshPath && reply.Answer() != rig.OK:
		return
	case path == rig.RefreshPath && refresh == r.Refresh:
		token := w.refresh[refresh] // whether it may be repeated was judged
		if claims := rig.ReadClaims(access); hashOf(t, claims) != token.hash || csrf != w.csrfOf(token) {
			t.Fatalf("a repeated token came with what does not belong to it")
		}
		w.access[access] = &accessToken{refresh: token, expires: w.expiry(), csrf: csrf}
	case path == rig.RefreshPath:
		parent := w.refresh[r.Refresh]
		token := &refreshToken{
			session: l, parent: parent, gen: parent.gen + 1, iat: w.now(), hash: hashOf(t, rig.ReadClaims(access)),
		}
		if access == "" || refresh == "" || w.refresh[refresh] != nil {
			t.Fatalf("a refresh brought no new tokens")
		}
		w.refresh[refresh] = token
		w.access[access] = &accessToken{refresh: token, pending: true, expires: w.expiry(), csrf: csrf}
	case access != "":
		old := w.access[r.Access]
		if refresh != "" || !old.pending {
			t.Fatalf("%s brought tokens that nobody asked for", path)
		}
		w.access[access] = &accessToken{refresh: old.refresh, expires: old.expires, csrf: old.csrf}
	default:
		return
	}
	w.compare(t, w.access[access], rig.ReadClaims(access))
}

// csrfOf is the anti-CSRF token that goes with a refresh token.
func (w *world) csrfOf(token *refreshToken) string {
	for _, a := range w.access {
		if a.refresh == token {
			return a.csrf
		}
	}
	return ""
}

// hashOf is what an access token says of the refresh token beside it.
func hashOf(t *rapid.T, claims rig.Claims) models.Hash {
	raw, err := base64.RawURLEncoding.DecodeString(claims.Hash)
	if err != nil || len(raw) != models.HashSize {
		t.Fatalf("rt2 is %q: %v", claims.Hash, err)
	}
	return models.Hash(raw)
}

// expiry is that of an access token issued now, in whole seconds.
func (w *world) expiry() int64 { return (w.now() + accessValidity.Milliseconds()) / 1000 }

// compare holds an access token against the specification's idea of it.
func (w *world) compare(t *rapid.T, a *accessToken, claims rig.Claims) {
	if claims.Handle != a.refresh.session.handle || claims.Gen != a.refresh.gen || claims.Issued != a.refresh.iat ||
		claims.Expires != a.expires || (claims.Parent != "") != a.pending {
		t.Fatalf("access token says %+v, want gen %d, issued %d, expires %d, pending %v",
			claims, a.refresh.gen, a.refresh.iat, a.expires, a.pending)
	}
}
