package rig

import (
	"context"
	"net/http"
	"time"
)

// Browser is a page of the application's own, the browser beneath it, and the way that
// its messages take. Any number of calls of Do may be under way at once.
type Browser struct {
	*Jar
	Way Way
	// Last is the answer to the last Fetch.
	Last Reply
}

// NewBrowser returns a browser whose cookies end by the given clock.
func NewBrowser(now func() time.Time, way Way) *Browser {
	return &Browser{Jar: NewJar(now, false), Way: way}
}

// Do asks as a script of the page does, and follows redirects. The target is a path or
// a URL; the header holds name and value by turns.
func (b *Browser) Do(ctx context.Context, method, target, body string, header ...string) (Reply, error) {
	const mostRedirects = 20
	for hops := 0; ; hops++ {
		r := b.Request(method, target)
		r.Body = body
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		reply, err := b.Way(ctx, r)
		if err != nil {
			return Reply{}, err
		}
		at := urlAt(target)
		b.takeFrom(at, reply)
		reply.Hops = hops
		location := reply.Header.Get("Location")
		if reply.Status != http.StatusTemporaryRedirect && reply.Status != http.StatusPermanentRedirect || location == "" || hops == mostRedirects {
			return reply, nil
		}
		if at, err = at.Parse(location); err != nil {
			return Reply{}, err
		}
		target = at.String()
	}
}

// Fetch is Do for a way that cannot fail. It sets Last.
func (b *Browser) Fetch(method, target string, header ...string) Reply {
	reply, err := b.Do(context.Background(), method, target, "", header...)
	if err != nil {
		panic(err)
	}
	b.Last = reply
	return reply
}

// FrontEnd asks as the front ends do: an answer of 401 is followed by a refresh and
// the same request, up to most times. It returns the last status and the number of
// refreshes.
func (b *Browser) FrontEnd(method, target, refresh string, most int, header ...string) (status, refreshes int) {
	for {
		status = b.Fetch(method, target, header...).Status
		if status != http.StatusUnauthorized || refreshes == most {
			return status, refreshes
		}
		refreshes++
		if b.Fetch(http.MethodPost, refresh, "rid", "session").Status != http.StatusOK {
			return status, refreshes
		}
	}
}
