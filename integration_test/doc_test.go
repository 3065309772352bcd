// Package integration_test tells the kit's stories over HTTPS: a browser with a cookie jar, a
// Gin application, and a real database. Each story runs on MySQL or MariaDB,
// on SQLite, on PostgreSQL where a server is there, and on the in-memory store.
package integration_test
