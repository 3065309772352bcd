// Scale measures how the cost of the kit's operations behaves as the table of
// sessions grows: on MySQL or MariaDB, with rows by the million, through
// session.Service and the store that applications use. With -sharded the table has
// the layout of gormstore.Config{Sharded: true}, all slices of it on the one server.
//
// It fills one table in place to each of the sizes, and at each measures the
// operations with concurrent workers, the space on disk and the plan of every
// statement. At the largest, sessions are then let expire while others go on,
// and cleaned up. Beside that, tables of three layouts are compared by turns: keys
// in the order of time, sharded by home, and random ones.
//
// `make bench-scale` starts a server and runs all of it; see the flags.
package main
