//go:build cluster

// Package cluster_test runs the crowd on clusters of three nodes, Galera and
// MySQL Group Replication, of which nodes are killed, cut off and brought back.
// Nobody is logged out; without a quorum the answer is 503 and cookies stay.
// `make cluster` runs it and installs what is missing.
package cluster_test
