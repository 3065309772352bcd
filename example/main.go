// Command example keeps users signed in: a small JSON API on sessionkit, a page that
// shows what happens to a session, theft included, and below /plain a shop without a
// script.
//
//	go run -tags nomsgpack ./example
//	go run -tags nomsgpack ./example -dsn 'user:password@tcp(127.0.0.1:3306)/app' -access-validity 10s
//	go run -tags sqlite ./example -sqlite sessions.db
//
// Sessions are kept in memory, on MySQL or MariaDB, or in a SQLite file. Tags keep
// the first run short: SQLite, a third of its compilation, is left out unless asked
// for, and nomsgpack leaves out a codec of Gin's that the program has no use for.
//
// Anybody may sign in as anybody: it asks for no password. What lies below
// /demo/ exists to be looked at and belongs in no application.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/example/plain"
	"github.com/gin-sessionkit/sessionkit/session"
)

// shutdownTimeout is what requests get to end after a signal.
const shutdownTimeout = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// run is the program until ctx ends. It prints its address to stdout, all else
// to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: opts.logLevel()}))
	if opts.doctor {
		return doctor(ctx, opts, logger, stdout)
	}
	listener, err := listen(ctx, opts.addr)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server has closed it, unless the start failed

	store, closeStore, err := openStore(ctx, opts, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()

	demo := newDemo()
	cfg := opts.config(logger)
	cfg.OnEvent, cfg.OnTheft = demo.onEvent, demo.onTheft
	svc, err := session.New(ctx, store, cfg)
	if err != nil {
		return err
	}
	defer svc.Close() //nolint:contextcheck // after the last request: serve has shut the server down

	shop, err := session.New(ctx, store, plain.Config(opts.config(logger)))
	if err != nil {
		return err
	}
	defer shop.Close() //nolint:contextcheck // as above

	demo.self, err = newLoopback(listener.Addr(), opts)
	if err != nil {
		return err
	}
	defer demo.self.close()
	return serve(ctx, listener, newRouter(svc, shop, store, opts, demo, logger), opts, logger, stdout) //nolint:contextcheck // handlers have their request's
}

// serve answers requests until ctx ends, then lets those under way end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, opts options, logger *slog.Logger, stdout io.Writer) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10, // cookies are up to 4 KiB each
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if opts.tls() {
			ended <- server.ServeTLS(listener, opts.tlsCert, opts.tlsKey)
		} else {
			ended <- server.Serve(listener)
		}
	}()
	if _, err := fmt.Fprintln(stdout, "listening on", publicURL(listener.Addr().String(), opts.tls())); err != nil {
		return err
	}

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(last)
}

// publicURL is where a browser on this machine finds the program.
func publicURL(addr string, secure bool) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
