package verify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wait"
	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	// askTimeout ends a question, which a request waits for.
	askTimeout = 2 * time.Second
	// maxAnswer bounds an answer: it has the payload of a token, which fits into a
	// cookie, escaped.
	maxAnswer = 64 << 10
	// maxHints is how many sessions and users are remembered of those that something
	// happened to within a day. Beyond that everybody is asked about.
	maxHints = 200_000
	// payload names the member of tokens that claims are in.
	payload = "pl"
)

// ends is what is known of ended sessions. A hint of the feed decides nothing: it has
// the token asked about. So who could write into the feed could have tokens asked
// about, and nothing else.
type ends struct {
	client     *client
	keys       *source
	feedURL    string
	introspect string
	within     time.Duration
	onLag      LagPolicy
	feed       *feed.Feed
	began      time.Time

	running atomic.Bool
	heard   atomic.Bool // the feed has been read, and is still
}

func newEnds(cfg Config, c *client, keys *source) *ends {
	e := &ends{
		client: c, keys: keys, feedURL: cfg.Feed, introspect: cfg.Introspect, within: cfg.Within, onLag: cfg.OnLag, began: time.Now(),
	}
	e.feed = feed.New(e, feed.Config{
		Within: cfg.Within, MaxEntries: maxHints, Now: cfg.Now,
		OnPoll: func(context.Context, error, bool) { keys.renew() }, //nolint:contextcheck // see source.ask
		OnNews: func() {},
		OnKey:  keys.retire,
	})
	return e
}

// run reads the feed until ctx ends.
func (e *ends) run(ctx context.Context) {
	if !e.running.CompareAndSwap(false, true) {
		return
	}
	defer e.running.Store(false)
	for pause := e.within / 4; e.feed.Start(ctx) != nil; pause = min(2*pause, fetchTimeout) {
		if !wait.Sleep(ctx, wait.Jitter(pause, 4)) {
			return
		}
	}
	e.heard.Store(true)
	defer e.heard.Store(false)
	e.feed.Run(ctx)
}

// ReadFeed implements [feed.Source].
func (e *ends) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.feedURL, nil)
	if err != nil {
		return models.FeedPage{}, err
	}
	query := req.URL.Query()
	query.Set("since", feed.FormatPosition(q.After))
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	data, _, err := e.client.do(req, feed.MaxPageBytes)
	if err != nil {
		return models.FeedPage{}, err
	}
	return feed.DecodePage(data)
}

// memo is what is remembered beside a token.
type memo struct {
	feed   feed.Memo
	newest atomic.Pointer[answer]
}

// answer is what was said about a token.
type answer struct {
	at     time.Duration // of the question
	access *token.Access // nil when its session has ended, or it counts for nothing else
}

// note keeps the newest answer: of two questions at once the older may be answered
// last.
func (m *memo) note(a *answer) {
	for m != nil {
		old := m.newest.Load()
		if old != nil && old.at > a.at || m.newest.CompareAndSwap(old, a) {
			return
		}
	}
}

// doubt is why a token is asked about.
type doubt struct {
	session, claims feed.Question
	bySession       bool
	byClaims        bool
	blind           bool // nothing, or too little, is known
	byKey           bool // the feed named the key
}

func (e *ends) doubts(access *token.Access, m *memo) (d doubt) {
	var known *feed.Memo
	if m != nil {
		known = &m.feed
	}
	d.blind = !e.heard.Load() || e.onLag == LagAsk && e.feed.Lag() > e.within
	d.byKey = e.keys.doubts(access.KeyID)
	d.session, d.bySession = e.feed.Asks(known, access.Handle, access.UserID, access.IssuedAt*1000)
	d.claims, d.byClaims = e.feed.AsksClaims(known, access.UserID, payload)
	return d
}

// current is a token as of now, and an error when it counts for nothing any more.
func (e *ends) current(ctx context.Context, text string, access *token.Access, m *memo) (*token.Access, error) {
	d := e.doubts(access, m)
	var known *answer
	if m != nil {
		known = m.newest.Load()
	}
	refused := known != nil && known.access == nil
	switch {
	case refused && e.elapsed()-known.at < e.within/4: // a thief may ask all day
		return nil, errEnded
	case d.byKey && known != nil && !d.blind && !d.bySession && !d.byClaims && e.elapsed()-known.at < e.within/4:
		return known.access, nil
	case refused || d.blind || d.bySession || d.byClaims || d.byKey:
	case known != nil:
		return known.access, nil
	default:
		return access, nil
	}
	a := &answer{at: e.elapsed()}
	var err error
	if a.access, err = e.ask(ctx, text, access); err != nil {
		return nil, errors.WithReason(errors.ErrUnavailable, err)
	}
	m.note(a)
	if a.access == nil {
		return nil, errEnded
	}
	if m != nil && d.bySession {
		e.feed.Answered(&m.feed, d.session)
	}
	if m != nil && d.byClaims {
		e.feed.Refetched(&m.feed, payload, d.claims)
	}
	return a.access, nil
}

func (e *ends) elapsed() time.Duration { return time.Since(e.began) }

var errEnded = errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)

// ask has the other service say what the token is worth (RFC 7662): what it says by
// now, or nil when that is nothing.
func (e *ends) ask(ctx context.Context, text string, access *token.Access) (*token.Access, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	form := url.Values{"token": {text}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.introspect, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	data, _, err := e.client.do(req, maxAnswer)
	if err != nil {
		return nil, err
	}
	var said struct {
		Active  *bool           `json:"active"`
		Subject string          `json:"sub"`
		Session string          `json:"sid"`
		Level   string          `json:"acr"`
		Payload json.RawMessage `json:"pl"`
	}
	if err := json.Unmarshal(data, &said); err != nil || said.Active == nil {
		return nil, errors.New("verify: no answer of an introspection")
	}
	if !*said.Active {
		return nil, nil //nolint:nilnil // nothing is what it is worth
	}
	if said.Subject != access.UserID || said.Session != access.Handle {
		return nil, errors.New("verify: the introspection is about another token")
	}
	fresh := *access
	fresh.Payload, fresh.Level = said.Payload, 0
	if said.Level != "" {
		if fresh.Level, err = strconv.Atoi(said.Level); err != nil || fresh.Level < 0 || fresh.Level > models.MaxLevel {
			return nil, errors.New("verify: the introspection has no level in acr")
		}
	}
	return &fresh, nil
}
