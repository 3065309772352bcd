// Package histories_test drives the kit over HTTPS by random histories: what
// browsers, tabs, native apps, thieves, networks, databases and operators do,
// message by message, in any order. A model written from the specification, not
// from the code, knows which answers are legal; after a message whose fate is
// unknown it holds the set of all states that the session may be in. A second
// test records concurrent histories and checks each session for linearizability.
//
// pgregory.net/rapid prints the seed of a failure, shrinks the history and replays
// it: go test ./integration_test/histories -rapid.seed=N -rapid.checks=1. The seed of the
// concurrent histories is printed as SESSIONKIT_SEED=N and given again as that variable.
package histories_test
