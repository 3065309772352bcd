package errors_test

import (
	"fmt"
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// A handler looks at the class, a log at the reason too.
func ExampleIs() {
	err := errors.WithReason(errors.ErrTryRefreshToken, errors.ErrTokenExpired) // as Verify returns it

	fmt.Println(errors.Is(err, errors.ErrTryRefreshToken))
	fmt.Println(errors.Is(err, errors.ErrTokenExpired))
	fmt.Println(errors.Is(err, errors.ErrUnauthorised))
	// Output:
	// true
	// true
	// false
}

// An ErrUnavailable is an ErrGeneral too, so the narrow class is asked for first.
func ExampleIs_unavailable() {
	status := func(err error) int {
		switch {
		case errors.Is(err, errors.ErrUnavailable):
			return http.StatusServiceUnavailable
		case errors.Is(err, errors.ErrGeneral):
			return http.StatusInternalServerError
		default:
			return http.StatusUnauthorized
		}
	}
	fmt.Println(status(errors.WithReason(errors.ErrUnavailable, errors.New("connection refused"))))
	fmt.Println(status(errors.WithReason(errors.ErrGeneral, errors.ErrSchema)))
	fmt.Println(status(errors.WithReason(errors.ErrUnauthorised, errors.ErrSessionRevoked)))
	// Output:
	// 503
	// 500
	// 401
}

// A theft names the session and its user, for the application to tell them.
func ExampleAsType() {
	var err error = &errors.TokenTheftError{SessionHandle: "01jy…", UserID: "alice"} // as Refresh returns it
	err = fmt.Errorf("refresh: %w", err)

	if theft, ok := errors.AsType[*errors.TokenTheftError](err); ok {
		fmt.Println("warn", theft.UserID)
	}
	fmt.Println(err) // names nobody
	// Output:
	// warn alice
	// refresh: sessionkit: token theft detected
}

// The author of a store says what to do, and keeps the cause for the logs.
func ExampleWithReason() {
	cause := errors.New("dial tcp 192.0.2.1:3306: connection refused")
	err := errors.WithReason(errors.ErrUnavailable, cause)

	fmt.Println(err)
	fmt.Println(errors.Is(err, cause), errors.FromKit(err))
	// Output:
	// sessionkit: general error: unavailable: dial tcp 192.0.2.1:3306: connection refused
	// true true
}
