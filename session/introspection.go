package session

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// What the other services of an application ask this one; package services has it as
// routes.

// Introspection is an access token as of now: what it says, and what its session's row
// says by now.
type Introspection struct {
	hidden
	Issuer         string
	Audiences      []string // the first is the service that made the token
	UserID, Handle string
	// TokenID is the jti.
	TokenID                       string
	IssuedAt, ExpiresAt, AuthTime time.Time
	// Level and Payload are the row's, and may be newer than the token.
	Level   int
	Payload json.RawMessage // nil without one
	// Methods are those by which the user proved who it is, words of RFC 8176.
	Methods []string
}

// Introspect tells about an access token that another service was shown, by one SELECT.
// It changes nothing: the first use of a token is the one here, by its client.
//
// Errors: where the token counts for nothing, [errors.ErrTryRefreshToken] (none of
// ours, expired, of a branch that was replaced) or [errors.ErrUnauthorised] (the
// session is over; or Replace made it, and its tokens were never used here). Nobody can
// say: [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) Introspect(ctx context.Context, accessToken string) (*Introspection, error) {
	if err := s.checkOpen(); err != nil {
		return nil, err
	}
	claims, _, err := s.parseAccess(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	row, err := s.live(ctx, claims.Handle)
	if err != nil {
		return nil, err
	}
	if row.Flags.Has(models.FlagPending) {
		return nil, errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionNotFound)
	}
	if !claims.Parent.IsZero() {
		// What its first use would come to, without making it.
		tok := lineage.Token{Hash: claims.Refresh, Parent: claims.Parent, Gen: claims.Gen, Iat: claims.RefreshIssuedAt}
		if v := lineage.OnUse(lineage.Of(row, s.now()), tok, s.window()); v == lineage.TryRefresh {
			return nil, tryRefresh(errors.ErrTokenRotatedOut)
		}
	}
	return &Introspection{
		Issuer: claims.Issuer, Audiences: append([]string{claims.Audience}, claims.Others...), UserID: claims.UserID, Handle: claims.Handle, TokenID: claims.ID,
		IssuedAt: time.Unix(claims.IssuedAt, 0), ExpiresAt: time.Unix(claims.ExpiresAt, 0), AuthTime: time.Unix(claims.AuthTime, 0),
		Level: row.Level, Methods: strings.Fields(claims.AMR), Payload: bytes.TrimSpace(row.Payload),
	}, nil
}

// RevokeToken ends the session of an access or a refresh token, as its user's sign-out
// does. What is no token of a live session is none of anybody's business: nothing
// happens then, and there is no error. One that has expired, or whose session was
// replaced, counts for none; a refresh token that was replaced still ends its session.
//
// Errors: [errors.ErrUnavailable], [errors.ErrGeneral]. Calling again is harmless.
func (s *Service) RevokeToken(ctx context.Context, text string) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	sess, err := s.sessionOf(ctx, text)
	if err == nil {
		err = sess.signOut(ctx)
	}
	if errors.Is(err, errors.ErrTryRefreshToken) || errors.Is(err, errors.ErrUnauthorised) {
		return nil
	}
	return err
}

// sessionOf is the session that an authentic token of either kind is of, good for being
// signed out of.
func (s *Service) sessionOf(ctx context.Context, text string) (*Session, error) {
	if token.LooksLikeAccess(text) {
		claims, _, err := s.parseAccess(ctx, text)
		if err != nil {
			return nil, err
		}
		return s.newSession(text, claims, 0), nil
	}
	tok, err := s.parseRefresh(ctx, text)
	for _, audience := range s.accepts[1:] { // the tables are the same, and this only ends something
		if errors.Is(err, errors.ErrTokenForeign) {
			tok, err = s.parseRefreshOf(ctx, text, audience)
		}
	}
	if err != nil {
		return nil, err
	}
	row, err := s.live(ctx, tok.Handle())
	if err != nil {
		return nil, err
	}
	claims := token.Access{Handle: row.Handle, UserID: row.UserID}
	if row.Flags.Has(models.FlagPending) {
		claims.Replaces = row.Origin
	}
	return s.newSession("", &claims, row.ExpiresAt), nil
}

// ReadFeed reads a page of the feed, for the other services of an application: they ask
// about the sessions and users that it names, as they know nothing else. It is one
// SELECT.
//
// Errors: [errors.ErrConfig] when the feed is off; [errors.ErrInvalidInput] for a
// limit that is not between 1 and 1000; [errors.ErrUnavailable], [errors.ErrGeneral].
func (s *Service) ReadFeed(ctx context.Context, q models.FeedQuery) (models.FeedPage, error) {
	switch err := s.checkOpen(); {
	case err != nil:
		return models.FeedPage{}, err
	case s.hints.store == nil:
		return models.FeedPage{}, errFeedOff
	case q.Limit < 1 || q.Limit > maxPage:
		return models.FeedPage{}, invalidInput(errors.New("the limit is not between 1 and 1000"))
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.hints.store.ReadFeed(ctx, q)
}
