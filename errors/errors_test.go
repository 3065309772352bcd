package errors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
)

var classes = map[string]error{
	"general": errors.ErrGeneral, "unauthorised": errors.ErrUnauthorised, "try refresh": errors.ErrTryRefreshToken,
	"theft": errors.ErrTokenTheft, "claim": errors.ErrInvalidClaim, "limit": errors.ErrSessionLimit,
}

// Which classes an error belongs to decides what happens to a session, so the
// whole table is written down: everything not listed must not match.
func TestClasses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  error
		want []string
	}{
		{errors.New("of somebody else"), nil},
		{errors.ErrSessionRevoked, nil},
		{errors.WithReason(errors.ErrUnavailable, errors.ErrSessionRevoked), []string{"general"}},
		{errors.WithReason(errors.ErrInvalidInput, errors.ErrReservedClaim), []string{"general"}},
		{errors.WithReason(errors.ErrConfig, errors.ErrSchema), []string{"general"}},
		{errors.WithReason(errors.ErrTryRefreshToken, errors.ErrAntiCSRF), []string{"try refresh"}},
		{errors.WithReason(errors.ErrUnauthorised, errors.ErrTokenMissing), []string{"unauthorised"}},
		{fmt.Errorf("handler: %w", &errors.TokenTheftError{}), []string{"unauthorised", "theft"}},
		{&errors.ClaimError{}, []string{"claim"}},
		{fmt.Errorf("handler: %w", &errors.SessionLimitError{}), []string{"limit"}},
	} {
		var got []string
		for _, name := range []string{"general", "unauthorised", "try refresh", "theft", "claim", "limit"} {
			if errors.Is(row.err, classes[name]) {
				got = append(got, name)
			}
		}
		require.Equal(t, row.want, got, "%v", row.err)
		require.Equal(t, len(row.want) > 0, errors.FromKit(row.err), "%v", row.err)
	}
	require.False(t, errors.FromKit(nil))
}

func TestWithReason(t *testing.T) {
	t.Parallel()
	err := errors.WithReason(errors.ErrTryRefreshToken, errors.ErrTokenExpired)
	require.ErrorIs(t, err, errors.ErrTryRefreshToken)
	require.ErrorIs(t, err, errors.ErrTokenExpired)
	require.NotErrorIs(t, err, errors.ErrTokenForged)
	require.EqualError(t, err, "sessionkit: try refresh token: token expired")
	require.Equal(t, errors.ErrUnavailable, errors.WithReason(errors.ErrUnavailable, nil))

	twice := errors.WithReason(errors.ErrUnavailable, errors.Join(errors.ErrConflict, errors.ErrDuplicate))
	require.ErrorIs(t, twice, errors.ErrDuplicate)
	require.ErrorIs(t, twice, errors.ErrGeneral)
}

// Errors end up in logs: they name nobody.
func TestTexts(t *testing.T) {
	t.Parallel()
	theft := &errors.TokenTheftError{SessionHandle: "the-handle", UserID: "the-user", SinceRotation: time.Second}
	claim := &errors.ClaimError{Failures: []errors.ClaimFailure{{ID: "role", Reason: "the-role"}}}
	limit := &errors.SessionLimitError{Sessions: []errors.OpenSession{{Handle: "the-handle", UserAgent: "the-agent"}}}
	for _, err := range []error{theft, claim, limit} {
		for _, verb := range []string{"%v", "%s", "%+v"} {
			require.NotContains(t, fmt.Sprintf(verb, err), "the-")
		}
	}
	found, ok := errors.AsType[*errors.TokenTheftError](fmt.Errorf("wrapped: %w", theft))
	require.True(t, ok)
	require.Equal(t, "the-user", found.UserID)
}
