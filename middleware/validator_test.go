package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// recentSignIn is a demand of an application's own: whoever signed in longer ago has to
// do it again.
type recentSignIn time.Duration

func (recentSignIn) ID() string { return "recent-sign-in" }

func (d recentSignIn) Check(_ context.Context, v session.View) (any, error) {
	if age := v.Now.Sub(v.CreatedAt); age > time.Duration(d) {
		return map[string]any{"message": "too long ago", "ageInSeconds": age.Seconds()}, nil
	}
	return nil, nil
}

// plan is one that keeps what it asks for in the payload.
type plan struct {
	of      map[string]any
	err     error
	fetches *int
}

func (plan) ID() string                { return "plan" }
func (plan) Member() string            { return "plan" }
func (plan) Stale(v session.View) bool { return v.Payload["plan"] == nil }

func (p plan) Fetch(_ context.Context, v session.View) (any, error) {
	*p.fetches++
	return p.of[v.UserID], p.err
}

func (plan) Check(_ context.Context, v session.View) (any, error) {
	if string(v.Payload["plan"]) != `"gold"` {
		return "needs gold", nil
	}
	return nil, nil
}

func TestVerify_validatorOfTheApplication(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		s.router.GET("/pay", s.verify(session.WithClaims(recentSignIn(10*time.Minute))), whoami)
		b := s.signIn(t, "ada", byHeader)
		s.clock.Advance(10 * time.Minute)
		require.Equal(t, "ada", b.do(t, http.MethodGet, "/pay").body)
		s.clock.Advance(time.Second)
		a := b.do(t, http.MethodGet, "/pay")
		require.Equal(t, http.StatusForbidden, a.status)
		require.JSONEq(t, `{"message":"invalid claim","claimValidationErrors":[
			{"id":"recent-sign-in","reason":{"message":"too long ago","ageInSeconds":601}}]}`, a.body)
		requireNothing(t, a.header)
		require.Equal(t, "ada", b.user(t), "who is refused stays signed in")
	})
}

func TestVerify_validatorThatFetches(t *testing.T) {
	both(t, func(t *testing.T, byHeader bool) {
		s := newSite(t)
		fetches := 0
		gold := s.verify(session.WithClaims(plan{of: map[string]any{"ada": "gold", "bob": "tin"}, fetches: &fetches}))
		s.router.GET("/vault", gold, gold, whoami)
		ada, bob, eve := s.signIn(t, "ada", byHeader), s.signIn(t, "bob", byHeader), s.signIn(t, "eve", byHeader)
		for range 2 {
			require.Equal(t, "ada", ada.do(t, http.MethodGet, "/vault").body)
		}
		require.Equal(t, 1, fetches, "kept in the payload")
		for range 2 {
			a := bob.do(t, http.MethodGet, "/vault")
			require.Equal(t, http.StatusForbidden, a.status)
			require.Contains(t, a.body, "needs gold")
		}
		require.Equal(t, 2, fetches, "kept though it was refused")
		require.Equal(t, http.StatusForbidden, eve.do(t, http.MethodGet, "/vault").status)
		require.Equal(t, "eve", eve.user(t))
	})
}

// An error of a validator logs nobody out, whatever it is.
func TestVerify_validatorErrors(t *testing.T) {
	for name, row := range map[string]struct {
		err    error
		status int
	}{
		"unauthorised": {errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked), http.StatusInternalServerError},
		"try refresh":  {errors.ErrTryRefreshToken, http.StatusInternalServerError},
		"theft":        {&errors.TokenTheftError{UserID: "eve"}, http.StatusInternalServerError},
		"claim":        {&errors.ClaimError{}, http.StatusInternalServerError},
		"own":          {errors.New("own"), http.StatusInternalServerError},
		"unavailable":  {fmt.Errorf("query: %w", errors.ErrUnavailable), http.StatusServiceUnavailable},
		"deadline":     {context.DeadlineExceeded, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, byHeader bool) {
				s := newSite(t)
				s.router.GET("/vault", s.verify(session.WithClaims(plan{err: row.err, fetches: new(int)})), whoami)
				b := s.signIn(t, "ada", byHeader)
				a := b.do(t, http.MethodGet, "/vault")
				require.Equal(t, row.status, a.status)
				requireNothing(t, a.header)
				require.Equal(t, "ada", b.user(t))
			})
		})
	}
}
