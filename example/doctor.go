package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// doctor prints what is wrong with the set-up, and ends the program with an error if
// it cannot work like that.
func doctor(ctx context.Context, opts options, logger *slog.Logger, out io.Writer) (err error) {
	store, closeStore, err := openStore(ctx, opts, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	svc, err := session.New(ctx, store, opts.config(logger))
	if err != nil {
		return err
	}
	defer svc.Close() //nolint:contextcheck // it waits for what is under way

	broken := 0
	list := svc.Doctor(ctx, opts.url())
	for _, f := range list {
		if f.Severity == models.SeverityError {
			broken++
		}
		if _, err := fmt.Fprintf(out, "%s: %s: %s\n\t%s\n", f.Severity, f.About, f.Problem, f.Remedy); err != nil {
			return err
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d findings are errors", broken, len(list))
	}
	_, err = fmt.Fprintf(out, "%d findings, none of them an error\n", len(list))
	return err
}
