package session

import (
	"reflect"
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

// Every method of a store that asks the database is counted: one that is added to the
// interface and not to countedStore would be passed on by embedding.
func TestCountCalls_everyMethod(t *testing.T) {
	t.Parallel()
	set := newCounts()
	store := reflect.ValueOf(countCalls(struct{ FeedStore }{}, set)) // which has nothing to call
	methods := reflect.TypeFor[FeedStore]()
	asks := uint64(0)
	for method := range methods.Methods() {
		if method.Type.NumIn() == 0 {
			continue
		}
		asks++
		arguments := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 1; j < method.Type.NumIn(); j++ {
			arguments = append(arguments, reflect.Zero(method.Type.In(j)))
		}
		require.Panics(t, func() { store.MethodByName(method.Name).Call(arguments) }, method.Name)
		require.Equal(t, asks, set.Sums()[countStoreCalls], method.Name)
	}
	require.Greater(t, asks, uint64(25))
}

// So is every method of what works in a transaction of the application.
func TestCountCalls_everyMethodOfATransaction(t *testing.T) {
	t.Parallel()
	set := newCounts()
	tx := reflect.ValueOf(countedTx{struct{ TxStore }{}, set})
	asks := uint64(0)
	for method := range reflect.TypeFor[TxStore]().Methods() {
		asks++
		arguments := []reflect.Value{reflect.ValueOf(t.Context()), reflect.Zero(method.Type.In(1))}
		require.Panics(t, func() { tx.MethodByName(method.Name).Call(arguments) }, method.Name)
		require.Equal(t, asks, set.Sums()[countStoreCalls], method.Name)
	}
	require.Equal(t, uint64(4), asks)
}
