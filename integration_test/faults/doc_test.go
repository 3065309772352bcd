//go:build faults

// Package faults_test breaks a real MariaDB, the network before it and the
// application itself while a crowd of browsers works, and asserts that nobody
// honest is logged out, no thief stays in and nothing acknowledged is lost. Each
// row of the fault matrix is a test of its own and prints one line of numbers.
// `make faults` runs them; they need mariadbd and about twelve minutes.
package faults_test
