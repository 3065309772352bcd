// Package models holds the rows that the kit keeps in the application's
// database, and the plain values that pass between the service and a store.
//
// The GORM tags are strings: the package imports no GORM. Times are
// milliseconds since 1970 UTC, passed in by the service; no store asks its
// database for the time.
package models
