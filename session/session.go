package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/feed"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Session is a verified session, as its access token describes it. It is safe
// for concurrent use.
type Session struct {
	svc *Service
	// response is where the session was verified or created in; nil without HTTP.
	response *wire.Response
	exchange *Exchange // of that response
	// standsFor has the place that this pending session is to take; see lineage.Share.
	standsFor string
	// over: the session was ended by way of this value. warned: its owner was told that
	// something came too late for the response.
	over, warned atomic.Bool

	// merging lets one MergePayload run at a time: of two, the later in the row must
	// be the later in the response.
	merging sync.Mutex

	mu     sync.Mutex
	claims token.Access
	text   string // of the access token that says so
	// ends is the session's idle end as far as it is known, or 0.
	ends int64
	// memo is what is remembered beside the token that came; nil when nothing is.
	memo atomic.Pointer[feed.Memo]
}

func (s *Service) newSession(text string, claims *token.Access, ends int64) *Session {
	return &Session{svc: s, text: text, claims: *claims, ends: ends}
}

// snapshot is a consistent copy of what MergePayload may change.
func (s *Session) snapshot() (claims token.Access, ends int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims, s.ends
}

// UserID is what the session was created for, byte for byte.
func (s *Session) UserID() string { return s.claims.UserID }

// Handle names the session. It is not a credential.
func (s *Session) Handle() string { return s.claims.Handle }

// CreatedAt is when the user signed in, to the second.
func (s *Session) CreatedAt() time.Time { return time.Unix(s.claims.SessionStart(), 0) }

// ExpiresAt is when the access token expires and a refresh is due.
func (s *Session) ExpiresAt() time.Time { return time.Unix(s.claims.ExpiresAt, 0) }

// AccessToken is the session's access token as of now, to pass on to a service that
// verifies it too. Whoever has it is the user until it expires.
func (s *Session) AccessToken() Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Token{Value: s.text, ExpiresAt: time.Unix(s.claims.ExpiresAt, 0)}
}

// Payload decodes the access token's payload into dst, as Service.Data does with data;
// it needs no database. The error is an [errors.ErrInvalidInput]: dst does not fit.
func (s *Session) Payload(dst any) error {
	claims, _ := s.snapshot()
	return decodeValue(claims.Payload, dst)
}

// Data reads the session's data; see Service.Data. When the session turns out
// to be over, the cookies are cleared in the response at hand.
func (s *Session) Data(ctx context.Context, dst any) error {
	return s.clearIfEnded(s.svc.Data(ctx, s.Handle(), dst))
}

// UpdateData replaces the session's data; see Service.UpdateData. When the session
// turns out to be over, the cookies are cleared in the response at hand.
func (s *Session) UpdateData(ctx context.Context, v any) error {
	return s.clearIfEnded(s.svc.UpdateData(ctx, s.Handle(), v))
}

// ModifyData changes the session's data atomically; see Service.ModifyData.
func (s *Session) ModifyData(ctx context.Context, modify func(current json.RawMessage) (any, error)) error {
	return s.clearIfEnded(s.svc.ModifyData(ctx, s.Handle(), modify))
}

// Revoke ends the session and clears its cookies in the response at hand,
// whether or not somebody else was faster. On an error nothing is cleared, so
// that the client can try again; a session that was replaced meanwhile is an
// [errors.ErrTryRefreshToken], as the one to sign out of is the next.
func (s *Session) Revoke(ctx context.Context) error {
	if err := s.svc.checkOpen(); err != nil {
		return err
	}
	return s.signOut(ctx)
}

func (s *Session) signOut(ctx context.Context) error {
	if err := s.takePlaceForGood(ctx); err != nil {
		return s.clearIfEnded(err)
	}
	endedNow, err := s.svc.revoke(ctx, s.Handle(), s.UserID(), models.RevokedBySignOut)
	if err == nil && !endedNow {
		err = s.svc.wasReplaced(ctx, s.Handle())
	}
	if err != nil {
		return err
	}
	s.over.Store(true)
	s.clear(true)
	return nil
}

// Sent reports whether the client hears of what this session's methods changed: new
// tokens after MergePayload, no more tokens after Revoke. They are sent with the
// header of the response; a method that is called later, or in a goroutine or job that
// outlives it, works on the database all the same. False also for a response that was
// hijacked, and when nobody could tell any more whether the tokens are still right.
// Without HTTP it is true: there is nothing to send.
func (s *Session) Sent() bool { return s.response == nil || s.response.Sent() }

// Detached is the session without its response, for work that goes on after the
// request.
func (s *Session) Detached() *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	detached := s.svc.newSession(s.text, &s.claims, s.ends)
	detached.standsFor = s.standsFor
	return detached
}

// clearIfEnded passes err on.
func (s *Session) clearIfEnded(err error) error {
	if errors.Is(err, errors.ErrUnauthorised) {
		s.over.Store(true)
		if !errors.Is(err, errors.ErrSessionReplaced) {
			s.clear(false)
		}
	}
	return err
}

// Format implements [fmt.Formatter]: no verb shows claims.
func (s *Session) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Session{%s}", shortHash(s.claims.Handle))
}

// MarshalText shows nothing, so neither does JSON: name what a response should tell.
func (s *Session) MarshalText() ([]byte, error) {
	return []byte(redactedText{}.String()), nil
}

// LogValue implements [slog.LogValuer].
func (s *Session) LogValue() slog.Value { return slog.StringValue(shortHash(s.claims.Handle)) }

// contextKey is a type of its own, so that no other package's key equals it.
type contextKey struct{}

// FromContext returns the session that the request was verified with.
func FromContext(ctx context.Context) (*Session, bool) {
	sess, ok := ctx.Value(contextKey{}).(*Session)
	return sess, ok
}
