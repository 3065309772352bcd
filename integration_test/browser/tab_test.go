//go:build e2e

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience bounds one step in the browser. It ends tests that hang, such as in
// a loop of refreshes, and decides nothing else.
const patience = 30 * time.Second

// tab is one tab of the browser with the test page open.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu    sync.Mutex
	lines []string
	// thrown are exceptions that nobody caught.
	thrown []string
}

// newTab opens a tab; parent is the browser or another tab, whose cookies and
// storage it then shares.
func newTab(parent context.Context, t *testing.T, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Do(ctx))
	require.NoError(t, chromedp.Listen(ctx, p.listen))
	return p
}

func (p *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.writef("console.%s: %s", e.Type, texts(e.Args))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.writef("uncaught: %s", text)
		p.mu.Lock()
		p.thrown = append(p.thrown, text)
		p.mu.Unlock()
	case *log.EventEntryAdded:
		p.writef("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text)
	case *network.EventResponseReceivedExtraInfo:
		for _, refused := range e.BlockedCookies {
			name, _, _ := strings.Cut(refused.CookieLine, "=")
			p.writef("the browser refused the cookie %s: %v", name, refused.BlockedReasons)
		}
	case *network.EventLoadingFailed:
		p.writef("request failed: %s %s", e.ErrorText, e.BlockedReason)
	}
}

func texts(args []*runtime.RemoteObject) string {
	var parts []string
	for _, arg := range args {
		if arg.Description != "" {
			parts = append(parts, arg.Description)
		} else {
			parts = append(parts, string(arg.Value))
		}
	}
	return strings.Join(parts, " ")
}

func (p *tab) writef(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, "  "+fmt.Sprintf(format, args...))
}

// String is what the page saw.
func (p *tab) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func (p *tab) exceptions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.thrown)
}

// do runs browser actions, bounded.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	require.NoError(p.t, chromedp.Do(ctx, steps...))
}

// try calls a function of window.page. Its result, a promise or not, is JSON.
func try[T any](p *tab, function string, args ...any) (T, error) {
	var list []string
	for _, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return *new(T), err
		}
		list = append(list, string(text))
	}
	expression := "page." + function + "(" + strings.Join(list, ", ") + ")"
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		err = fmt.Errorf("page.%s: %w", function, err)
	}
	return result, err
}

// ask is try for the test's own goroutine.
func ask[T any](p *tab, function string, args ...any) T {
	p.t.Helper()
	result, err := try[T](p, function, args...)
	require.NoError(p.t, err)
	return result
}

// cookies are those that the browser would send to one of the URLs, by name,
// HttpOnly ones included.
func (p *tab) cookies(urls ...string) map[string]*network.Cookie {
	p.t.Helper()
	result, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: urls})
	require.NoError(p.t, err)
	cookies := make(map[string]*network.Cookie, len(result.Cookies))
	for _, cookie := range result.Cookies {
		require.NotContains(p.t, cookies, cookie.Name, "two cookies of one name")
		cookies[cookie.Name] = cookie
	}
	return cookies
}
