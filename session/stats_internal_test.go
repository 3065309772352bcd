package session

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Which result an error counts as: its reason where that has one, else its class.
func TestResultOf(t *testing.T) {
	t.Parallel()
	for result, err := range map[string]error{
		"ok":                nil,
		"token_expired":     errors.WithReason(errors.ErrTryRefreshToken, errors.ErrTokenExpired),
		"key_unknown":       errors.WithReason(errors.ErrTryRefreshToken, errors.ErrKeyUnknown),
		"unavailable":       errors.WithReason(errors.ErrUnavailable, errors.ErrKeyUnknown),
		"session_replaced":  errors.WithReason(errors.ErrUnauthorised, errors.WithReason(errors.ErrSessionRevoked, errors.ErrSessionReplaced)),
		"session_revoked":   errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked),
		"token_theft":       &errors.TokenTheftError{},
		"step_up":           errors.WithReason(&errors.ClaimError{}, errors.ErrStepUp),
		"invalid_claim":     &errors.ClaimError{},
		"session_limit":     &errors.SessionLimitError{},
		"unauthorised":      errors.WithReason(errors.ErrUnauthorised, errors.New("another reason")),
		"try_refresh_token": errors.ErrTryRefreshToken,
		"invalid_input":     errors.WithReason(errors.ErrInvalidInput, errors.ErrReservedClaim),
		"cross_origin":      errors.ErrCrossOrigin,
		"error":             errors.New("of a validator"),
	} {
		sums := make([]uint64, results)
		sums[resultOf(err)] = 1
		require.Equal(t, uint64(1), resultsOf(sums)[result], result)
	}
}
