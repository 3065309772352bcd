// Package testdb gives each test a database of its own on a real server.
//
// The servers are found through the environment: [EnvMySQL] and [EnvPostgres].
// `make test` starts private ones and sets both. A test that asks for MySQL
// without a server fails, as a suite that quietly leaves out the database says
// nothing about the kit. PostgreSQL is optional, and its tests are skipped.
//
// The account of the DSN needs rights on the databases named after its own: with
// /app in the DSN, on all that match app\_%.
package testdb
