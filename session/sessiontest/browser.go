package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
)

// mostRedirects is what browsers follow (Fetch standard, "HTTP-redirect fetch").
const mostRedirects = 20

// Submit sends a form by POST; see Send.
func (c *Client) Submit(path string, form url.Values) *httptest.ResponseRecorder {
	c.t.Helper()
	r := c.newRequest(http.MethodPost, path, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Send(r)
}

// At is the path, with its query, that the last answer came from: where redirects have
// led with WithoutScripts.
func (c *Client) At() string { return c.at }

// follow sends r and goes where the answers send it on this origin, by the rules of
// browsers (Fetch standard, "HTTP-redirect fetch").
func (c *Client) follow(r *http.Request, body []byte) *httptest.ResponseRecorder {
	c.t.Helper()
	from := r.URL.RequestURI()
	for range mostRedirects {
		w := c.once(r, body)
		location := w.Header().Get("Location")
		if w.Code < 300 || w.Code > 399 || location == "" {
			return w
		}
		here := c.kit.base.ResolveReference(r.URL)
		next, err := here.Parse(location)
		if err != nil {
			c.t.Fatalf("sessiontest: %s redirects to %q: %v", here.Path, location, err)
		}
		if next.Host != here.Host || next.Scheme != here.Scheme {
			return w
		}
		r = r.Clone(r.Context())
		r.URL = next
		toGet := w.Code == http.StatusSeeOther && r.Method != http.MethodHead ||
			r.Method == http.MethodPost && (w.Code == http.StatusMovedPermanently || w.Code == http.StatusFound)
		if toGet {
			r.Method, body = http.MethodGet, nil
			r.Header.Del("Content-Type")
		}
	}
	c.t.Fatalf("sessiontest: %s redirects in circles, at last at %s", from, c.at)
	return nil
}

// navigates adds what browsers say of a page that people open.
func navigates(h http.Header) {
	setDefault(h, "Sec-Fetch-Mode", "navigate")
	setDefault(h, "Sec-Fetch-Dest", "document")
	setDefault(h, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
}
