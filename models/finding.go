package models

import "time"

// Severity says how bad a Finding is.
type Severity string

const (
	// SeverityError says that sessions cannot be made, refreshed or ended, or users are
	// thrown out.
	SeverityError Severity = "error"
	// SeverityWarning says that it works now, at a risk or more slowly than it could.
	SeverityWarning Severity = "warning"
)

// Finding is one thing that is wrong with a set-up. It holds no secret.
type Finding struct {
	Severity Severity `json:"severity"`
	// About is what was looked at: service, database, schema, rights, replica, clock,
	// prepared statements, keys, feed or cookies.
	About string `json:"about"`
	// Problem says what is wrong, Remedy what to do about it.
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Diagnosis is what a store knows about its database.
type Diagnosis struct {
	Findings []Finding
	// Clock is the database's time in milliseconds since 1970 UTC, 0 where it has no
	// clock of its own. It was asked for after Asked and before Answered, on this
	// machine's clock.
	Clock           int64
	Asked, Answered time.Time
}
