// Package servers holds the programs that are compared: each puts a session
// check of its own in front of the same two routes.
package servers

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// The routes of every server. /login takes ?user= and believes it.
const (
	LoginPath   = "/login"
	MePath      = "/me"
	RefreshPath = "/auth/session/refresh"
)

// Connections bounds the pool of every server that has a database.
const Connections = 16

// key is the secret of those that take one from their configuration.
func key() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// validity is how long a token or session is good for, where it must be said.
const validity = time.Hour

// Build makes a server. DSN names a database of its own, which is empty.
type Build func(ctx context.Context, dsn string) (http.Handler, error)

// Server describes one of them.
type Server struct {
	// Name is short, for flags, files and the database's name.
	Name string
	// Label names library and store, for tables.
	Label string
	// Reads says what a GET looks at to know who is asking.
	Reads string
	// Open servers answer everybody: there is no session to check.
	Open bool
	// Luggage is the length of a cookie that is sent to an open server, which does not
	// look at it: what a token costs before anybody checks it.
	Luggage int
	// Database is true when there is a pool of connections to MariaDB.
	Database bool
	// Refreshes is true when tokens rotate at RefreshPath.
	Refreshes bool
	// Build is nil for what is no Go program.
	Build Build
}

// kitCookie is the length of the Cookie header of Kit, name included, once the token of
// the benchmark's user has been refreshed and confirmed. A test compares it with the true
// one.
const kitCookie = 413

// All lists the servers in the order of the tables.
func All() []Server {
	return []Server{
		{Name: "gin", Label: "Gin bare", Reads: "nothing", Open: true, Build: Bare},
		{Name: "luggage", Label: fmt.Sprintf("Gin bare, sent a cookie of %d bytes", kitCookie), Reads: "nothing", Open: true, Luggage: kitCookie, Build: Bare},
		{Name: "kit", Label: "sessionkit", Reads: "token", Database: true, Refreshes: true, Build: Kit},
		{Name: "ginjwt", Label: "gin-jwt v2", Reads: "token", Build: GinJWT},
		{Name: "cookie", Label: "gin-contrib/sessions, cookie store", Reads: "cookie", Build: CookieStore},
		{Name: "gorm", Label: "gin-contrib/sessions, GORM store", Reads: "MariaDB", Database: true, Build: GORMStore},
		{Name: "scs", Label: "scs, mysqlstore", Reads: "MariaDB", Database: true, Build: SCS},
		{Name: "node", Label: "Node library, Express", Reads: "token", Database: true, Refreshes: true},
	}
}

// Find returns the server of that name.
func Find(name string) (Server, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Server{}, false
}
