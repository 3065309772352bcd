//go:build moving

// Package moving_test replaces the back end of an application that runs on SuperTokens'
// Node library, from npm, by one on this kit, while browsers are at work: nobody is
// signed out, and who stole tokens before gives itself away after. `make moving` runs
// it; it needs Node.js, npm and mariadbd.
package moving_test
