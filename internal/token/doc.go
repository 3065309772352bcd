// Package token holds the two token formats as pure codecs: bytes in, claims
// or the reason for refusing them out. It has no clock and does no I/O; times
// are passed in, and keys come from a [Keys] function.
package token
