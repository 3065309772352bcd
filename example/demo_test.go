package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A thief that ignores the order to delete its cookies has what is left of the
// access token's life, and nothing where revoked means revoked.
func TestThief_Afterwards(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"-immediate-revocation": `"status":401`,
		"-revocation-within=2s": `"status":401`,
		"-revocation-within=0":  `"status":200`,
	} {
		victim := newClient(t, startProgram(t, flag))
		victim.want(200, "", http.MethodGet, "/", "")
		victim.login("ada")
		victim.want(200, "", http.MethodPost, "/auth/session/refresh/demo-copy", "")
		victim.want(200, "", http.MethodPost, "/auth/session/refresh", "")
		victim.want(200, "", http.MethodGet, "/api/me", "")

		require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/refresh", ""), "token theft detected")
		require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/refresh", ""), `"message":"unauthorised"`)
		require.Contains(t, victim.want(200, "", http.MethodPost, "/demo/thief/read", ""), want, flag)
		victim.want(401, `{"message":"unauthorised"}`, http.MethodPost, "/auth/session/refresh", "")

		victim.want(204, "", http.MethodDelete, "/demo/thief", "")
		victim.want(404, "", http.MethodPost, "/demo/thief/read", "")
	}
}

// A replayed refresh token shows in the feed of the browser whose session it
// was, and in nobody else's.
func TestFeed_Replay(t *testing.T) {
	t.Parallel()
	url := startProgram(t)
	ada, bob := newClient(t, url), newClient(t, url)
	for user, c := range map[string]*client{"ada": ada, "bob": bob} {
		c.want(200, "", http.MethodGet, "/", "")
		c.login(user)
	}
	target, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/auth/session/refresh", nil)
	require.NoError(t, err)
	old := ada.http.Jar.Cookies(target.URL)
	ada.want(200, "null", http.MethodPost, "/auth/session/refresh", "")
	ada.want(200, "", http.MethodGet, "/api/me", "")

	stranger := newClient(t, url)
	stranger.http.Jar.SetCookies(target.URL, old)
	stranger.want(401, `{"message":"token theft detected"}`, http.MethodPost, "/auth/session/refresh", "")

	require.Eventually(t, func() bool { return ada.heard("theft_callback") }, 10*time.Second, 10*time.Millisecond)
	require.True(t, ada.heard("token_theft"))
	require.True(t, bob.heard("session_created"))
	require.False(t, bob.heard("token_theft"))
}

// heard reports whether the client's feed has an event of this kind.
func (c *client) heard(kind string) bool {
	c.t.Helper()
	_, text := c.send(http.MethodGet, "/demo/events", "")
	var feed struct{ Events []entry }
	require.NoError(c.t, json.Unmarshal([]byte(text), &feed))
	for _, e := range feed.Events {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// Whatever visitors do, the feed stays small.
func TestFeed_Bounds(t *testing.T) {
	t.Parallel()
	f := newFeed()
	first := f.add()
	f.viewers[first].seen = time.Now().Add(-time.Hour)
	var last string
	for range 3 * maxViewers {
		last = f.add()
	}
	require.Len(t, f.viewers, maxViewers)
	require.False(t, f.knows(first), "the one that was not seen for longest goes first")
	require.False(t, f.knows("made up"))

	f.follow(last, "handle", "ada")
	for range 3 * maxEntries {
		f.publish("handle", "ada", entry{Kind: "k"})
	}
	events, n := f.after(last, 0)
	require.Len(t, events, maxEntries)
	require.Equal(t, 3*maxEntries, n)
	require.Equal(t, n, events[maxEntries-1].Seq)
	f.publish("", "ada", entry{Kind: "k"})
	f.publish("", "bob", entry{Kind: "k"})
	f.publish("other", "ada", entry{Kind: "k"})
	events, _ = f.after(last, n)
	require.Len(t, events, 1, "of the session, or of the user where no session is named")
}

func TestDevices_AreBounded(t *testing.T) {
	t.Parallel()
	ada := newClient(t, startProgram(t))
	ada.login("ada")
	for range maxDevices - 1 {
		ada.want(204, "", http.MethodPost, "/demo/device", "")
	}
	ada.want(409, "", http.MethodPost, "/demo/device", "")
	require.Contains(t, ada.want(200, "", http.MethodGet, "/api/sessions?details=1", ""), "iPhone")
}

// The page's list has names and readable devices; what was typed stays text.
func TestDevices_OfThePage(t *testing.T) {
	t.Parallel()
	url := startProgram(t)
	ada, bob := newClient(t, url), newClient(t, url)
	handle := ada.login("ada")
	foreign := bob.login("bob")
	ada.want(204, "", http.MethodPost, "/demo/device", "")
	require.Contains(t, ada.want(200, "", http.MethodGet, "/auth/sessions", ""),
		`"device":{"browser":"Firefox","os":"Windows","kind":"desktop"}`)
	ada.want(204, "", http.MethodPatch, "/auth/sessions/"+handle, `{"label":"<b>kitchen</b>"}`)
	require.Contains(t, ada.want(200, "", http.MethodGet, "/auth/sessions", ""), `"label":"\u003cb\u003ekitchen\u003c/b\u003e"`)
	ada.want(404, "", http.MethodPatch, "/auth/sessions/"+foreign, `{"label":"mine"}`)
	ada.want(400, "", http.MethodPatch, "/auth/sessions/"+handle, `{"label":"a\nb"}`)
	ada.want(200, `{"revoked":1}`, http.MethodPost, "/auth/sessions/revoke-others", "")
	bob.want(200, "", http.MethodGet, "/api/me", "")
	ada.want(204, "", http.MethodDelete, "/auth/sessions/"+handle, "")
	ada.want(401, "", http.MethodGet, "/auth/sessions", "")
}

// Over HTTPS the cookies are Secure, and the thief finds its way too.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := certificate(t)
	url := startProgram(t, "-tls-cert", certFile, "-tls-key", keyFile)
	require.True(t, strings.HasPrefix(url, "https://"))

	ada := newClient(t, url)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "demo.example.org"}}
	defer transport.CloseIdleConnections()
	ada.http.Transport = transport
	ada.want(200, "", http.MethodGet, "/", "")
	ada.login("ada")
	ada.want(200, "", http.MethodPost, "/auth/session/refresh/demo-copy", "")
	require.Contains(t, ada.want(200, "", http.MethodPost, "/demo/thief/read", ""), `"status":200`)
	ada.want(204, "", http.MethodPost, "/demo/device", "")
}

// certificate makes a self-signed one for *.example.org.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"*.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(cert)

	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certFile, keyFile, roots
}
