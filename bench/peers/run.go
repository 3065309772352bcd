package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
	"github.com/gin-sessionkit/sessionkit/bench/peers/report"
	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// run is the comparison: all servers are up, one at a time has work.
func run(ctx context.Context, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	db, err := prepare(ctx, o.dsn)
	if err != nil {
		return err
	}
	about := describe(ctx, o, db)
	var all []*process
	defer func() {
		for _, p := range all {
			p.stop()
		}
	}()
	for _, s := range servers.All() {
		p, err := start(ctx, o, s, dsnFor(o.dsn, s.Name))
		if err != nil {
			return err
		}
		all = append(all, p)
		if p.cookies, err = load.Check(ctx, s, p.addr); err != nil {
			return p.explain(err)
		}
	}
	say("every server knows its users, and refuses what it has to")
	meter := load.Meter{ServerCore: o.serverCore, LoadCore: o.loadCore, Database: db.pid}
	samples, err := measureAll(ctx, o, meter, all)
	if err != nil {
		return err
	}
	return publish(o, report.Report{Environment: about, Samples: samples})
}

func describe(ctx context.Context, o options, db mariadb) report.Environment {
	about := report.Machine()
	about.Rounds, about.Each, about.Warmup = o.rounds, o.each, o.warmup
	about.ServerCore, about.LoadCore, about.Database = o.serverCore, o.loadCore, db.durability
	about.Versions = append(about.Versions, report.GoModules(o.revision)...)
	about.Versions = append(about.Versions, report.NodePackages(o.node)...)
	about.Versions = append(about.Versions,
		report.Version{Name: "Node.js", Version: strings.TrimPrefix(versionOf(ctx, "node", "--version"), "v")},
		report.Version{Name: "MariaDB", Version: db.version},
		report.Version{Name: "wrk", Version: strings.TrimPrefix(versionOf(ctx, "wrk", "-v"), "wrk ")},
	)
	return about
}

// versionOf is the first line that a program prints, up to " [".
func versionOf(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() // wrk -v ends with 1
	line, _, _ := strings.Cut(string(out), "\n")
	line, _, _ = strings.Cut(line, " [")
	return strings.TrimSpace(line)
}

func publish(o options, r report.Report) error {
	fmt.Print(r.Markdown())
	if o.out == "" {
		return nil
	}
	say("writing to %s", o.out)
	return r.Write(o.out)
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "peers: %s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
