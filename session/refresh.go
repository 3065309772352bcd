package session

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Refresh exchanges a refresh token for new tokens. The old one stays good until
// the new ones are used, so a lost answer costs nothing: the client asks again.
// A token that was replaced for good ends the session as theft. With Config.Import a
// refresh token of the earlier system does too.
//
// With Config.ConcurrentRefreshWindow a refresh token that is younger than the
// window is answered with itself, beside a new access token.
//
// Errors: [errors.ErrUnauthorised] (no such session any more, or no token of ours;
// remove the client's tokens), [*errors.TokenTheftError] (the same, and the session
// was revoked; exactly one caller gets it per theft), [errors.ErrUnavailable],
// [errors.ErrGeneral].
//
// Handlers use [Service.RefreshHTTP] or refresh.Handler.
func (s *Service) Refresh(ctx context.Context, text string) (*Tokens, error) {
	if err := s.checkOpen(); err != nil {
		return nil, err
	}
	tokens, err := s.refreshByText(ctx, text)
	s.countResult(countRefreshed, err)
	return tokens, err
}

func (s *Service) refreshByText(ctx context.Context, text string) (*Tokens, error) {
	tok, err := s.parseRefresh(ctx, text)
	if err != nil {
		if tok, err = s.orForeign(ctx, text, err); err != nil {
			return nil, err
		}
	}
	return s.refresh(ctx, tok, true)
}

// refreshToken is an authentic refresh token and its hash.
type refreshToken struct {
	*token.Refresh
	text string
	hash models.Hash
	// from is who presents it; zero without HTTP.
	from Client
	// foreign is set where an earlier system has made the token. It has no text then
	// that could be sent, and is older than any window.
	foreign *foreignOrigin
}

// lineage is what the state machine looks at.
func (t *refreshToken) lineage() lineage.Token {
	return lineage.Token{Hash: t.hash, Parent: t.Parent, Gen: t.Gen, Iat: t.IssuedAt}
}

// parseRefresh authenticates text; no SQL, but for the key ring's rare reload.
func (s *Service) parseRefresh(ctx context.Context, text string) (*refreshToken, error) {
	return s.parseRefreshOf(ctx, text, s.cfg.Audiences[0])
}

func (s *Service) parseRefreshOf(ctx context.Context, text, audience string) (*refreshToken, error) {
	tok, hash, err := token.ParseRefresh(text, s.verifying(ctx, models.KeyForRefresh), s.cfg.Issuer, audience)
	switch {
	case err == nil:
		return &refreshToken{Refresh: tok, text: text, hash: hash}, nil
	case errors.Is(err, errors.ErrGeneral):
		return nil, err
	default:
		return nil, errors.WithReason(errors.ErrUnauthorised, err)
	}
}

// refresh is the loop of read, decide, act of the state machine.
func (s *Service) refresh(ctx context.Context, tok *refreshToken, antiCSRF bool) (*Tokens, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()

	row, err := s.rowOfRefresh(ctx, tok)
	if err != nil {
		return nil, err
	}
	shared := "" // see lineage.Share
	for range lineage.MaxAttempts {
		now := s.now()
		read := lineage.Of(row, now)
		g := grant{row: row, tok: tok, now: now, antiCSRF: antiCSRF}
		var granted bool
		v := lineage.OnRefresh(read, tok.lineage(), now, s.window())
		if v != lineage.Theft && v != lineage.Unauthorised && row.Flags.Has(models.FlagPending) && shared == "" {
			if row, shared, err = s.inheritByRefresh(ctx, row); err != nil {
				return nil, err
			}
			continue
		}
		switch v {
		case lineage.Mint, lineage.Repeat:
			g.repeat = v == lineage.Repeat
			g.ends, granted, err = s.extendIfDue(ctx, row, now)
			if err == nil && !granted {
				row, err = s.store.Find(ctx, tok.Handle())
			}
		case lineage.MintSibling:
			g.ends, granted = row.ExpiresAt, true
		case lineage.Advance, lineage.FastForward, lineage.Swap:
			g.repeat = lineage.Young(tok.lineage(), now, s.window())
			step := s.dated(lineage.Step(v, read, tok.lineage()), tok.Handle(), row.AbsoluteExpiresAt, row.IdleMillis)
			if row.Flags.Has(models.FlagPending) {
				step.ExpiresAt = 0 // it does not move before the session is confirmed
			}
			g.ends = max(step.ExpiresAt, row.ExpiresAt)
			row, granted, err = s.advance(ctx, step)
			if granted {
				s.emitAdvance(ctx, v, g.row.Handle, g.row.UserID)
			}
		case lineage.Theft:
			row, err = s.endAsTheft(ctx, row, tok)
		default:
			return nil, ended(row)
		}
		if err != nil {
			return nil, err
		}
		if granted {
			tokens, err := s.answerRefresh(ctx, &g)
			if err == nil {
				tokens.Session.standsFor = shared
			}
			return tokens, err
		}
	}
	return nil, errors.WithReason(errors.ErrUnavailable, errors.ErrConflict)
}

// rowOfRefresh is the row that a token is judged by, or nil.
func (s *Service) rowOfRefresh(ctx context.Context, tok *refreshToken) (*models.Session, error) {
	row, err := s.store.Find(ctx, tok.Handle())
	if err == nil && tok.foreign != nil {
		return s.importedRow(ctx, tok, row)
	}
	return row, err
}

// grant is a refresh that the state machine allows.
type grant struct {
	row *models.Session
	tok *refreshToken
	// repeat: the answer carries tok itself, instead of a child.
	repeat bool
	// ends is the idle end that the row guarantees.
	now, ends int64
	antiCSRF  bool
}

// answerRefresh makes the tokens that a refresh is answered with: a child, which
// waits for its first use, or the very token, which needs no promotion.
func (s *Service) answerRefresh(ctx context.Context, g *grant) (tokens *Tokens, err error) {
	b := mintRequest{row: g.row, now: g.now, ends: notPast(g.row.AbsoluteExpiresAt, g.ends), antiCSRF: g.antiCSRF}
	if g.repeat {
		tokens, err = s.accompany(ctx, b, g.tok)
	} else {
		b.family, b.parent, b.gen = g.tok.Family(), g.tok.hash, models.NextGeneration(g.tok.Gen)
		tokens, _, err = s.mint(ctx, b)
	}
	if err == nil {
		s.emit(ctx, Event{Kind: EventRefreshed, Handle: g.row.Handle, UserID: g.row.UserID})
	}
	return tokens, err
}

// window is [Config.ConcurrentRefreshWindow] as the state machine wants it.
func (s *Service) window() int64 { return millis(s.cfg.ConcurrentRefreshWindow) }

// extendIfDue moves the idle end once that brings more than a tenth of the validity, so
// that most refreshes write nothing; on the grid of ends that is seven steps. The
// tokens that are handed out get the end that the row has then, never a later one.
// False means that the row moved on meanwhile.
func (s *Service) extendIfDue(ctx context.Context, row *models.Session, now int64) (ends int64, ok bool, err error) {
	wanted := s.idleEnd(now, row.AbsoluteExpiresAt, row.IdleMillis)
	if row.Flags.Has(models.FlagPending) || wanted-row.ExpiresAt <= s.idleLength(row.IdleMillis)/10 {
		return row.ExpiresAt, true, nil
	}
	moved, err := s.store.Extend(ctx, models.Extend{
		Handle: row.Handle, Current: row.Lineage.Current, ExpiresAt: wanted, Now: now,
	})
	return wanted, moved, err
}

// endAsTheft revokes the whole family before anybody hears of it. It goes on when
// the client hangs up: a thief must not be able to stop it that way.
//
// The verdict was on the row as read. If that has moved on, it is read and judged
// again, and a row that makes the token good is returned (window mode: a parallel
// refresh brought its parent back). Whoever keeps the row moving gains nothing: the
// last time it is revoked however it is.
func (s *Service) endAsTheft(ctx context.Context, row *models.Session, tok *refreshToken) (*models.Session, error) {
	if !s.thefts.Begin() {
		// Closed just now. The row is as it was: the next attempt, elsewhere, is
		// judged the same, and told.
		return nil, errors.ErrClosed
	}
	defer s.thefts.End()
	ctx, cancel := s.detached(ctx)
	defer cancel()
	s.hintOfTheft(ctx, row)
	for attempt := 1; ; attempt++ {
		now, current := s.now(), row.Lineage.Current
		if attempt >= lineage.MaxAttempts {
			current = models.Hash{}
		}
		endedNow, err := s.revokeSurely(ctx, models.Revocation{
			Handle: row.Handle, Current: current, Reason: models.RevokedByTheft, Now: now,
		})
		if err != nil {
			return nil, err
		}
		if endedNow {
			return nil, s.reportTheft(ctx, row, tok, now)
		}
		if row, err = s.store.Find(ctx, row.Handle); err != nil {
			return nil, err
		}
		if lineage.OnRefresh(lineage.Of(row, now), tok.lineage(), now, s.window()) != lineage.Theft {
			return row, nil
		}
	}
}

// hintOfTheft tells the others. A theft is reported whether or not they could be told,
// as a repeat would only find that the session has ended.
func (s *Service) hintOfTheft(ctx context.Context, row *models.Session) {
	err := s.hint(ctx, models.Hint{Kind: models.HintSession, Subject: row.Handle, Owner: row.UserID})
	if err != nil {
		s.cfg.Logger.ErrorContext(ctx, "sessionkit: the other processes could not be told of a theft: until they are, which is tried again and again, they may serve the session",
			"session", shortHash(row.Handle), "error", err)
	}
}

func (s *Service) reportTheft(ctx context.Context, row *models.Session, tok *refreshToken, now int64) error {
	since := time.Duration(max(0, now-row.Lineage.IssuedAt)) * time.Millisecond
	found := &errors.TokenTheftError{SessionHandle: row.Handle, UserID: row.UserID, SinceRotation: since}
	// Whatever the application's logger or OnEvent does, the theft is told.
	defer s.thefts.Tell(found) //nolint:contextcheck // the callback has one of its own
	s.emit(ctx, Event{
		Kind: EventTheft, Handle: row.Handle, UserID: row.UserID, Reason: models.RevokedByTheft, SinceRotation: since,
		Stored: Client{UserAgent: row.UserAgent, IP: row.IP}, Presented: tok.from,
	})
	return found
}
