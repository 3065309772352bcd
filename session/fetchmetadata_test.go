package session_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/internal/testseed"
	"github.com/gin-sessionkit/sessionkit/models/memstore"
	"github.com/gin-sessionkit/sessionkit/session"
)

// metadataRow is what a browser says of who asks.
type metadataRow struct {
	site, origin string
	passes       bool
}

// Requests come to api.example.com, which trusts app.example.com.
var metadataRows = map[string]metadataRow{
	"a foreign page":                   {"cross-site", "https://evil.example", false},
	"a foreign page without an origin": {"cross-site", "", false},
	"a sandboxed frame":                {"cross-site", "null", false},
	"a sibling host":                   {"same-site", "https://other.example.com", false},
	"a sibling port":                   {"same-site", "https://api.example.com:8443", false},
	"a foreign page of an old browser": {"", "https://evil.example", false},
	"a sandbox of an old browser":      {"", "null", false},
	"a user in the origin":             {"", "https://evil@api.example.com", false},
	"a path in the origin":             {"", "https://api.example.com/x", false},
	"a value that no browser sends":    {"maybe", "", false},
	"one almost trusted":               {"cross-site", "https://app.example.com.evil.example", false},
	"one trusted by another scheme":    {"cross-site", "http://app.example.com", false},
	"the own page":                     {"same-origin", "https://api.example.com", true},
	"the own page without an origin":   {"same-origin", "", true},
	"somebody who types":               {"none", "", true},
	"the own page of an old browser":   {"", "https://api.example.com", true},
	"no browser":                       {"", "", true},
	"a trusted page":                   {"cross-site", "https://app.example.com", true},
	"a trusted sibling":                {"same-site", "https://app.example.com", true},
	"a trusted page of an old browser": {"", "https://app.example.com", true},
}

func (row metadataRow) say(h http.Header) {
	h.Del("Anti-Csrf")
	for name, value := range map[string]string{"Sec-Fetch-Site": row.site, "Origin": row.origin} {
		if h.Del(name); value != "" {
			h.Set(name, value)
		}
	}
}

// Unsafe methods are decided by the browser's word, in the mode and on routes that go by
// it whatever the mode; safe ones pass, unless the route demands the proof of all.
func TestAntiCSRFViaFetchMetadata(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]session.AntiCSRFMode{
		"the mode": session.AntiCSRFViaFetchMetadata, "the route, token": session.AntiCSRFViaToken,
		"the route, header": session.AntiCSRFViaCustomHeader, "the route, off": session.InsecureAntiCSRFOff,
	} {
		rig := newMetadataRig(t, mode)
		var opts []session.VerifyOption
		if mode != session.AntiCSRFViaFetchMetadata {
			opts = append(opts, session.ViaFetchMetadata())
		}
		always := append([]session.VerifyOption{session.RequireAntiCSRF()}, opts...)
		for who, row := range metadataRows {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "PURGE"} {
				rig.expect(t, method, row, row.passes, name+", "+who, opts...)
			}
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
				rig.expect(t, method, row, true, name+", "+who, opts...)
				rig.expect(t, method, row, row.passes, name+", always, "+who, always...)
			}
			rig.expect(t, http.MethodPost, row, true, name+", skipped, "+who, append(opts, session.InsecureSkipAntiCSRF())...)
		}
	}
}

// The decision is that of http.CrossOriginProtection, or stricter where no browser speaks.
func TestAntiCSRFViaFetchMetadata_AsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	std := http.NewCrossOriginProtection()
	require.NoError(t, std.AddTrustedOrigin("https://app.example.com"))
	rig := newMetadataRig(t, session.AntiCSRFViaFetchMetadata)
	random := testseed.Random(t)
	pick := func(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }
	for range 2000 {
		row := metadataRow{
			site: pick(random, "", "same-origin", "same-site", "cross-site", "none"),
			origin: pick(random, "", "https://api.example.com", "https://app.example.com", "https://evil.example", "null",
				"http://api.example.com", "https://other.example.com"),
		}
		method := pick(random, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodDelete)
		r := httptest.NewRequestWithContext(t.Context(), method, "https://api.example.com/x", nil)
		row.say(r.Header)
		rig.expect(t, method, row, std.Check(r) == nil, method+" "+row.site+" "+row.origin)
	}
}

// Nothing is cleared, and the page is not told to refresh: it would come back the same.
func TestAntiCSRFViaFetchMetadata_Answer(t *testing.T) {
	t.Parallel()
	rig := newMetadataRig(t, session.AntiCSRFViaFetchMetadata)
	metadataRows["a foreign page"].say(rig.page.Header)
	reached := 0
	w := rig.page.Do(t, http.MethodPost, rig.Guarded(&reached))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.JSONEq(t, `{"message":"cross-origin request refused"}`, w.Body.String())
	require.Empty(t, w.Header().Values("Set-Cookie"))
	require.Zero(t, reached)
}

// A token in a header needs no proof: no foreign page can make a browser send it.
func TestAntiCSRFViaFetchMetadata_ByHeader(t *testing.T) {
	t.Parallel()
	rig := newMetadataRig(t, session.AntiCSRFViaFetchMetadata)
	tokens := rig.Create(t)
	require.Empty(t, tokens.AntiCSRF, "nobody needs one")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/x", nil)
	metadataRows["a foreign page"].say(r.Header)
	r.Header.Set("Authorization", "Bearer "+tokens.Access.Value)
	_, err := rig.Svc.VerifyHTTP(httptest.NewRecorder(), r)
	require.NoError(t, err)
	_, _, err = rig.Svc.Verify(t.Context(), tokens.Access.Value, "", session.RequireAntiCSRF())
	require.NoError(t, err, "without HTTP there is nothing to go by")
}

// OnRefresh demands the same proof of a refresh, where else a front end's own header does.
func TestAntiCSRFViaFetchMetadata_OnRefresh(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		rig := newMetadataRig(t, session.AntiCSRFViaFetchMetadata, func(c *session.Config) { c.AntiCSRF.OnRefresh = on })
		for who, row := range metadataRows {
			row.say(rig.page.Header)
			w := rig.page.Do(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				_, err := rig.Svc.RefreshHTTP(w, r)
				require.Equal(t, on && !row.passes, errors.Is(err, errors.ErrCrossOrigin), "%s: %v", who, err)
			})
			require.Equal(t, !on || row.passes, len(w.Header().Values("Set-Cookie")) > 0, who)
		}
	}
}

type metadataRig struct {
	*testpage.Rig

	page *testpage.Page
}

func newMetadataRig(t *testing.T, mode session.AntiCSRFMode, change ...func(*session.Config)) *metadataRig {
	t.Helper()
	cfg := session.Config{TrustedOrigins: []string{"https://app.example.com"}, AntiCSRF: session.AntiCSRFConfig{Mode: mode}}
	for _, f := range change {
		f(&cfg)
	}
	rig := testpage.NewWith(t, memstore.New(), nil, cfg)
	page, _ := rig.SignIn(t)
	return &metadataRig{rig, page}
}

// expect verifies a request of that row.
func (rig *metadataRig) expect(t *testing.T, method string, row metadataRow, passes bool, what string, opts ...session.VerifyOption) {
	t.Helper()
	row.say(rig.page.Header)
	rig.page.Do(t, method, func(w http.ResponseWriter, r *http.Request) {
		sess, err := rig.Svc.VerifyHTTP(w, r, opts...)
		if passes {
			require.NoError(t, err, "%s %s", method, what)
			// A second look at the same request decides the same.
			_, err = rig.Svc.VerifyHTTP(w, r, opts...)
			require.NoError(t, err, "%s %s", method, what)
			return
		}
		require.Nil(t, sess)
		require.ErrorIs(t, err, errors.ErrCrossOrigin, "%s %s", method, what)
		require.NotErrorIs(t, err, errors.ErrTryRefreshToken)
	})
}
