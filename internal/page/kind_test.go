package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/internal/page"
)

// One rule tells who asks.
func TestKindOf(t *testing.T) {
	t.Parallel()
	const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, row := range map[string]struct {
		header []string // name, value, …
		want   page.Kind
	}{
		"a link":                        {[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", html}, page.Navigation},
		"a frame":                       {[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", html}, page.Navigation},
		"a browser of 2019":             {[]string{"Accept", html}, page.Navigation},
		"one that takes XHTML only":     {[]string{"Accept", "application/xhtml+xml"}, page.Navigation},
		"a test without headers":        {nil, page.Navigation},
		"fetch":                         {[]string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "*/*"}, page.Fetch},
		"fetch that asks for HTML":      {[]string{"Sec-Fetch-Mode", "same-origin", "Accept", html}, page.Fetch},
		"an image":                      {[]string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image", "Accept", "image/*"}, page.Fetch},
		"an image of 2019":              {[]string{"Accept", "image/png,image/*;q=0.8,*/*;q=0.5"}, page.Fetch},
		"fetch of 2019":                 {[]string{"Accept", "*/*"}, page.Fetch},
		"curl":                          {[]string{"Accept", "*/*", "User-Agent", "curl/8"}, page.Fetch},
		"jQuery":                        {[]string{"X-Requested-With", "XMLHttpRequest", "Accept", html}, page.Fetch},
		"two modes, of no browser":      {[]string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Mode", "navigate"}, page.Fetch},
		"a megabyte of Accept":          {[]string{"Accept", strings.Repeat("a", 1<<20) + "text/html"}, page.Fetch},
		"HTMX":                          {[]string{"Hx-Request", "true", "Sec-Fetch-Mode", "cors", "Accept", "*/*"}, page.HTMX},
		"HTMX of 2019":                  {[]string{"Hx-Request", "true", "Accept", "*/*"}, page.HTMX},
		"a header of that name":         {[]string{"Hx-Request", "no", "Sec-Fetch-Mode", "navigate"}, page.Navigation},
		"front ends from 16 on":         {[]string{"St-Auth-Mode", "cookie", "Sec-Fetch-Mode", "cors"}, page.FrontEnd},
		"front ends before 16":          {[]string{"Rid", "anti-csrf", "Sec-Fetch-Mode", "cors"}, page.FrontEnd},
		"with an anti-CSRF token":       {[]string{"Anti-Csrf", "x"}, page.FrontEnd},
		"front ends of 4.2":             {[]string{"Supertokens-Sdk-Name", "website"}, page.FrontEnd},
		"a front end that loads HTMX's": {[]string{"St-Auth-Mode", "cookie", "Hx-Request", "true"}, page.FrontEnd},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/cart", nil)
		for i := 0; i < len(row.header); i += 2 {
			r.Header.Add(row.header[i], row.header[i+1])
		}
		require.Equal(t, row.want, page.KindOf(r), name)
	}
}

// Of the refresh route's requests, those of the dance name a page or are of GET.
func TestDances(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		method, target, header string
		want                   bool
	}{
		"on the way to a page":     {http.MethodGet, "/refresh?to=/cart", "", true},
		"to no page":               {http.MethodGet, "/refresh", "", true},
		"HEAD":                     {http.MethodHead, "/refresh", "", true},
		"a form":                   {http.MethodPost, "/refresh?to=/cart", "", true},
		"a script's refresh":       {http.MethodPost, "/refresh", "", false},
		"a front end's":            {http.MethodPost, "/refresh", "St-Auth-Mode", false},
		"a front end's that names": {http.MethodPost, "/refresh?to=/cart", "Rid", false},
		"a preflight":              {http.MethodOptions, "/refresh?to=/cart", "", false},
		"a front end's GET":        {http.MethodGet, "/refresh?to=/cart", "Rid", false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), row.method, row.target, nil)
		if row.header != "" {
			r.Header.Set(row.header, "x")
		}
		require.Equal(t, row.want, page.Dances(r), name)
	}
}
