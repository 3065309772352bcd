package session_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
)

// finding is what finds a member of the payload.
type finding = func(context.Context, string, time.Time) (any, error)

func found(value any, err error) finding {
	return func(context.Context, string, time.Time) (any, error) { return value, err }
}

func TestWithPayloadMember(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	rig.Clock.Advance(1500 * time.Millisecond)
	type key struct{}
	tokens, err := rig.Svc.Create(context.WithValue(t.Context(), key{}, "ctx"), "user-1",
		session.WithPayloadMember("level", func(ctx context.Context, userID string, now time.Time) (any, error) {
			require.Equal(t, "ctx", ctx.Value(key{}))
			return map[string]any{"user": userID, "at": now.UnixMilli()}, nil
		}),
		session.WithPayloadMember("none", found(nil, nil)),
		session.WithPayload(map[string]any{"theme": "dark", "level": 0}))
	require.NoError(t, err)
	var payload map[string]any
	require.NoError(t, tokens.Session.Payload(&payload))
	require.Len(t, payload, 2)
	require.JSONEq(t, `{"user":"user-1","at":1772366401500}`, string(testpage.AccessClaimsOf(t, tokens.Access.Value).Payload["level"]))
}

// What is refused creates no session.
func TestWithPayloadMember_refused(t *testing.T) {
	t.Parallel()
	own := errors.New("user table is gone")
	for name, tc := range map[string]struct {
		user, name string
		find       finding
		opts       []session.CreateOption
		class      error
		reason     error
	}{
		"no user":          {"", "a", found(1, own), nil, errors.ErrInvalidInput, errors.ErrUserIDInvalid},
		"payload is array": {"u", "a", found(1, nil), []session.CreateOption{session.WithPayload([]int{})}, errors.ErrInvalidInput, errors.ErrPayloadNotObject},
		"no JSON":          {"u", "a", found(func() {}, nil), nil, errors.ErrInvalidInput, errors.ErrValueNotJSON},
		"own error":        {"u", "a", found(nil, own), nil, errors.ErrGeneral, own},
		"out of time":      {"u", "a", found(nil, context.DeadlineExceeded), nil, errors.ErrUnavailable, context.DeadlineExceeded},
		"another's end":    {"u", "a", found(nil, errors.ErrUnauthorised), nil, errors.ErrGeneral, errors.ErrGeneral},
		"no function":      {"u", "a", nil, nil, errors.ErrConfig, errors.ErrConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := testpage.New(t)
			rig.Store.Arm()
			_, err := rig.Svc.Create(t.Context(), tc.user, append(tc.opts, session.WithPayloadMember(tc.name, tc.find))...)
			require.ErrorIs(t, err, tc.class)
			require.ErrorIs(t, err, tc.reason)
			require.NotErrorIs(t, err, errors.ErrUnauthorised)
			require.Zero(t, rig.Store.Counts()["Insert"])
		})
	}
}

func TestPayloadMember_reservedNames(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	sess := rig.Create(t).Session
	rig.Store.Arm()
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		asked := false
		find := func(context.Context, string, time.Time) (any, error) {
			asked = true
			return nil, nil
		}
		_, err := rig.Svc.Create(t.Context(), "user-1", session.WithPayloadMember(name, find))
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		require.ErrorIs(t, err, errors.ErrReservedClaim)
		_, err = sess.MergePayloadMember(t.Context(), name, find)
		require.ErrorIs(t, err, errors.ErrInvalidInput)
		require.ErrorIs(t, err, errors.ErrReservedClaim)
		require.False(t, asked)
	}
	require.Zero(t, rig.Store.Calls())
}

// The member goes to the row and to the client; nothing does when find fails.
func TestMergePayloadMember(t *testing.T) {
	t.Parallel()
	rig := testpage.New(t)
	page, _ := rig.SignIn(t, session.WithPayload(map[string]any{"theme": "dark"}))
	rig.Clock.Advance(90 * time.Second)
	merge := func(find finding) (err error) {
		page.Do(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			sess, verifyErr := rig.Svc.VerifyHTTP(w, r)
			require.NoError(t, verifyErr)
			_, err = sess.MergePayloadMember(r.Context(), "level", find)
		})
		return err
	}
	require.NoError(t, merge(func(_ context.Context, userID string, now time.Time) (any, error) {
		require.Equal(t, "user-1", userID)
		require.True(t, rig.Clock.Now().Equal(now))
		return 3, nil
	}))
	require.Equal(t, "3", string(testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).Payload["level"]))
	before := page.Cookies["sAccessToken"]
	rig.Store.Arm()
	require.ErrorIs(t, merge(found(4, errors.ErrUnauthorised)), errors.ErrGeneral)
	require.Zero(t, rig.Store.Calls())
	require.Equal(t, before, page.Cookies["sAccessToken"])
	require.NoError(t, merge(found(nil, nil)))
	require.NotContains(t, testpage.AccessClaimsOf(t, page.Cookies["sAccessToken"]).Payload, "level")
}
