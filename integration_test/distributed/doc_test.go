//go:build distributed

// Package distributed_test runs the crowd on engines that spread the tables over
// servers, Vitess and TiDB, of which parts are killed, frozen and changed for others.
// Nobody is logged out, nothing that was acknowledged is lost, and an outage is
// answered with 503 and never with 500. `make distributed` runs it and builds what is
// missing.
package distributed_test
