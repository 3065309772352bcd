package histories_test

import (
	"crypto/sha256"
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
	token := &refreshToken{session: l, iat: now, hash: hashOf(t, refresh)}
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
		if csrf != w.csrfOf(token) {
			t.Fatalf("a repeated token came with what does not belong to it")
		}
		w.access[access] = &accessToken{refresh: token, expires: w.expiry(), csrf: csrf}
	case path == rig.RefreshPath:
		parent := w.refresh[r.Refresh]
		token := &refreshToken{
			session: l, parent: parent, gen: parent.gen + 1, iat: w.now(), hash: hashOf(t, refresh),
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

// hashOf is what the row, and an access token that waits for its first use, know of a
// refresh token.
func hashOf(t *rapid.T, refresh string) models.Hash {
	raw, err := base64.RawURLEncoding.DecodeString(refresh)
	if err != nil || refresh == "" {
		t.Fatalf("the refresh token is %q: %v", refresh, err)
	}
	once := sha256.Sum256(append([]byte("sessionkit refresh token v1 hash\x00"), raw...))
	return sha256.Sum256(once[:])
}

// expiry is that of an access token issued now, in whole seconds.
func (w *world) expiry() int64 { return (w.now() + accessValidity.Milliseconds()) / 1000 }

// compare holds an access token against the specification's idea of it.
func (w *world) compare(t *rapid.T, a *accessToken, claims rig.Claims) {
	want := rig.Claims{Handle: a.refresh.session.handle, User: claims.User, Gen: a.refresh.gen, Expires: a.expires}
	if a.pending {
		parent := a.refresh.parent.hash
		want.Issued, want.Hash = a.refresh.iat, base64.RawURLEncoding.EncodeToString(a.refresh.hash[:])
		want.Parent = base64.RawURLEncoding.EncodeToString(parent[:])
	}
	if claims != want {
		t.Fatalf("access token says %+v, want %+v", claims, want)
	}
}
