// Package gormstore keeps sessions and signing keys in the application's own
// database: MySQL 8.4+, MariaDB 10.11+, PostgreSQL 15+, or SQLite.
//
//	store, err := gormstore.New(db, gormstore.Config{})
//	err = store.Migrate(ctx) // or run the text of Schema by other means
//
// The feed (session.FeedStore) is a table of its own, whose times come from the
// database. [Store.In] works in a transaction of the application.
//
// The [Store] issues single statements that commit by themselves, always on the
// primary, and takes one connection at a time: a pool of one is enough. It
// works with GORM's PrepareStmt, with gorm.io/plugin/dbresolver, under any
// naming strategy, isolation level, server time zone and sql_mode, and with
// clientFoundRows, columnsWithAlias, interpolateParams and parseTime on or off.
//
// On MySQL and MariaDB it keeps five statements prepared on each connection of the
// pool, which [Config.Unprepared] switches off. A Store needs no Close: they go with
// the pool, or with the Store when it is garbage.
//
// # What to set in the DSN
//
//   - rejectReadOnly=true (MySQL) wherever a primary can become a replica: the
//     driver then drops a pooled connection that has become read-only and
//     connects anew. Without it the store answers [errors.ErrUnavailable] until
//     the pool has replaced the connection by itself; the pool's
//     SetConnMaxLifetime bounds how long that takes.
//   - wsrep_sync_wait=7 (Galera) when requests are spread over the nodes, or
//     one node for all: a node that was away may serve old rows for seconds,
//     and 7 makes writes wait for what other nodes acknowledged, too.
//   - tls=true (MySQL), sslmode=verify-full (PostgreSQL) unless the server is
//     on this machine: signing keys and hashes of tokens cross the wire.
//   - any character set of the connection will do on MySQL. In a PostgreSQL
//     database in another encoding than UTF8, user agents lose what it lacks.
//   - never autocommit=0: nothing that the store writes would last. Check and
//     Migrate refuse it.
//
// # Errors
//
// A statement that the database rolled back, after a deadlock for example, is
// repeated up to eight times. A statement whose answer was lost may have been
// carried out. An INSERT is repeated, as it recognises its own row. All others
// are not: the error is [errors.ErrUnavailable], and the service looks at the
// row before it decides anything.
//
// That is also the error for whatever no statement can cause by its shape, such
// as a server in maintenance or a changed password: 503, and nobody is logged
// out. docs/database-errors.md in the repository lists the numbers of MySQL,
// MariaDB, PostgreSQL, SQLite and of their relatives.
//
// # Logs
//
// Statements go through GORM and its logger, slow log included, without the
// bound values, and errors without the driver's text, which can quote them.
// Plugins that look at statements themselves, such as tracing, are out of its
// reach: on MySQL and SQLite the bound secrets describe themselves as hidden,
// on PostgreSQL switch the recording of query variables off.
package gormstore
