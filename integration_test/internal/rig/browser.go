package rig

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/gin-sessionkit/sessionkit/internal/testjar"
)

// Browser is a page at an origin and the jar beneath it.
type Browser struct {
	*testjar.Jar
	// Handler answers what is sent to any host.
	Handler http.Handler
	// Origin of the page; empty: that of the URL that is asked.
	Origin string
	// AntiCSRF is what the page keeps of the header anti-csrf.
	AntiCSRF string
	// Refused are the Set-Cookie lines that the jar refused.
	Refused []string
	// Last is the last answer.
	Last *httptest.ResponseRecorder
	// Hops counts the redirects that were followed.
	Hops int
}

// Fetch asks as a script of the page does, and follows redirects. The header holds
// name and value by turns.
func (b *Browser) Fetch(method, target string, header ...string) *httptest.ResponseRecorder {
	const mostRedirects = 20
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	for b.Hops = 0; ; b.Hops++ {
		w := b.send(method, u, header)
		location := w.Header().Get("Location")
		if w.Code != http.StatusTemporaryRedirect && w.Code != http.StatusPermanentRedirect || location == "" || b.Hops == mostRedirects {
			return w
		}
		if u, err = u.Parse(location); err != nil {
			panic(err)
		}
	}
}

func (b *Browser) send(method string, u *url.URL, header []string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, u.String(), nil) //nolint:noctx // of a test without one
	if cookies := b.Header(u); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if b.AntiCSRF != "" {
		r.Header.Set("Anti-Csrf", b.AntiCSRF)
	}
	own := u.Scheme + "://" + u.Host
	origin := b.Origin
	if origin == "" {
		origin = own
	}
	r.Header.Set("Sec-Fetch-Site", siteOf(origin, own))
	if origin != own || method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", origin)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.Handler.ServeHTTP(w, r)
	b.Refused = append(b.Refused, b.Set(u, w.Header().Values("Set-Cookie"))...)
	if token := w.Header().Get("Anti-Csrf"); token != "" {
		b.AntiCSRF = token
	}
	b.Last = w
	return w
}

// FrontEnd asks as the front ends do: an answer of 401 is followed by a refresh and
// the same request, up to most times. It returns the last status and the number of
// refreshes.
func (b *Browser) FrontEnd(method, target, refresh string, most int, header ...string) (status, refreshes int) {
	for {
		status = b.Fetch(method, target, header...).Code
		if status != http.StatusUnauthorized || refreshes == most {
			return status, refreshes
		}
		refreshes++
		if b.Fetch(http.MethodPost, refresh, "rid", "session").Code != http.StatusOK {
			return status, refreshes
		}
	}
}

// siteOf is Sec-Fetch-Site for a request from one origin to another.
func siteOf(from, to string) string {
	a, errA := url.Parse(from)
	b, errB := url.Parse(to)
	switch {
	case from == to:
		return "same-origin"
	case errA != nil || errB != nil || a.Scheme != b.Scheme:
		return "cross-site"
	case a.Hostname() == b.Hostname():
		return "same-site"
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a.Hostname()))
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b.Hostname()))
	if errA == nil && errB == nil && siteA == siteB {
		return "same-site"
	}
	return "cross-site"
}
