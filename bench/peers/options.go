package main

import (
	"flag"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// options are the command line of peers run.
type options struct {
	rounds       int
	each, warmup time.Duration
	serverCore   int
	loadCore     int
	out, logs    string
	node         string
	revision     string
	dsn          *mysql.Config
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("peers run", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "`times` that every server is measured")
	flags.DurationVar(&o.each, "each", 5*time.Second, "length of one measurement, whole seconds")
	flags.DurationVar(&o.warmup, "warmup", 2*time.Second, "length of each server's discarded first measurement, whole seconds")
	flags.IntVar(&o.serverCore, "server-core", 0, "the `core` for the servers; everything else must be kept off it")
	flags.IntVar(&o.loadCore, "load-core", 1, "the `core` that this program and MariaDB have been confined to")
	flags.StringVar(&o.out, "out", "", "write peers.md, peers.txt and peers.svg to this `folder`")
	flags.StringVar(&o.logs, "logs", os.TempDir(), "`folder` for what the servers print")
	flags.StringVar(&o.node, "node", "node", "`folder` of server.js and its packages")
	flags.StringVar(&o.revision, "revision", "", "the kit's `commit`, for the report")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.each < time.Second || o.warmup < time.Second {
		return o, errors.New("no further arguments, at least one round, measurements of at least 1s")
	}
	var err error
	o.dsn, err = mysql.ParseDSN(os.Getenv(dsnVariable))
	if err != nil || o.dsn.Net != "tcp" {
		return o, errors.New(dsnVariable + " must be the DSN of a MariaDB server on TCP, such as scripts/mariadb.sh start prints")
	}
	return o, nil
}
