// Peers compares session libraries: how many requests per second a server on
// one core answers behind each one's check. See README.md, and
// scripts/bench-peers.sh, which prepares a machine for it.
//
//	peers serve kit     one of the servers, for peers run
//	peers run [flags]   the comparison
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/gin-sessionkit/sessionkit/errors"
)

func main() {
	// The servers die with the thread that started them: it must be this one.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(ctx, args[1])
	case len(args) > 0 && args[0] == "run":
		return run(ctx, args[1:])
	default:
		return errors.New("usage: peers serve NAME | peers run [flags]")
	}
}
