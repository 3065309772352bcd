package main

import (
	"context"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// op is what is measured.
type op int

const (
	opCreate op = iota
	opRefresh
	opChild
	opPromote
	opRevoke
	opList
	opRevokeAll
	opLoadedFind
	opLoadedAdvance
	opLoadedRevoke
	opLoadedList
	opLoadedRevokeAll
	opSelect1
	ops // how many
)

// String is the name in tables and plots.
func (o op) String() string {
	return [ops]string{
		"create", "refresh", "refresh by the child", "promote", "revoke", "list 20", "revoke all 20",
		"find, loaded row", "advance, loaded row", "revoke, loaded row", "list 20, loaded rows", "revoke all 20, loaded rows",
		"SELECT 1",
	}[o]
}

// recorder keeps the samples of one worker.
type recorder [ops][]time.Duration

// measure runs one operation. One that fails ends the run: its time says nothing.
func (r *recorder) measure(ctx context.Context, o op, fn func(context.Context) error) error {
	begin := time.Now()
	err := fn(ctx)
	took := time.Since(begin)
	if err != nil {
		return errors.Join(errors.New(o.String()), err)
	}
	r[o] = append(r[o], took)
	return nil
}

// summarised joins the samples of all workers.
func summarised(recorders []recorder) [ops]summary {
	var sums [ops]summary
	for o := range sums {
		var all []time.Duration
		for _, r := range recorders {
			all = append(all, r[o]...)
		}
		sums[o] = summarise(all)
	}
	return sums
}

// expect makes a result other than the wanted one an error.
func expect[T comparable](got T, err error, want T) error {
	if err == nil && got != want {
		return errors.New("the operation did not match: a row is not what the benchmark takes it for")
	}
	return err
}
