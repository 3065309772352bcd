//go:build e2e

package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// requestLog is what the server saw, in order: names of cookies and headers, no values.
type requestLog struct {
	mu      sync.Mutex
	entries []request
}

type request struct {
	method, path string
	status       int
	sent, got    []string
	note         string
}

func (l *requestLog) middleware(c *gin.Context) {
	c.Next()
	r, h := c.Request, c.Writer.Header()
	l.add(request{
		method: r.Method, path: r.URL.Path, status: c.Writer.Status(),
		sent: sentBy(r), got: gotFrom(h),
	})
}

func (l *requestLog) note(format string, args ...any) {
	l.add(request{note: fmt.Sprintf(format, args...)})
}

func (l *requestLog) add(r request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, r)
}

// count is how many requests of this kind got this status.
func (l *requestLog) count(method, path string, status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.entries {
		if r.method == method && r.path == path && r.status == status {
			n++
		}
	}
	return n
}

// last is the last request of this kind.
func (l *requestLog) last(method, path string) request {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Backward(l.entries) {
		if r.method == method && r.path == path {
			return r
		}
	}
	return request{note: "no such request"}
}

func (l *requestLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, r := range l.entries {
		if r.note != "" {
			fmt.Fprintf(&b, "  (%s)\n", r.note)
			continue
		}
		fmt.Fprintf(&b, "  %s %s [%s] -> %d [%s]\n", r.method, r.path, strings.Join(r.sent, " "), r.status, strings.Join(r.got, " "))
	}
	return b.String()
}

// sentBy names what a request carries of the protocol.
func sentBy(r *http.Request) []string {
	var names []string
	for _, name := range []string{"Authorization", "Anti-Csrf", "Rid", "St-Auth-Mode", "Fdi-Version", "Origin"} {
		if r.Header.Get(name) != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	for _, cookie := range r.Cookies() {
		names = append(names, "cookie:"+cookie.Name)
	}
	return names
}

// gotFrom names what a response sets (name) and clears (-name).
func gotFrom(h http.Header) []string {
	var names []string
	for _, name := range []string{"Front-Token", "Id-Refresh-Token", "Anti-Csrf", "St-Access-Token", "St-Refresh-Token"} {
		for _, value := range h[name] {
			sign := ""
			if value == "" || value == "remove" {
				sign = "-"
			}
			names = append(names, sign+strings.ToLower(name))
		}
	}
	for _, line := range h["Set-Cookie"] {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(value, ";") {
			name = "-" + name
		}
		names = append(names, "cookie:"+name)
	}
	if origin := h.Get("Access-Control-Allow-Origin"); origin != "" {
		names = append(names, "cors")
	}
	return names
}
