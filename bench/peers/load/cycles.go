package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Cycles lets as many sessions as there are connections rotate, each again and
// again: a POST that refreshes, and a GET that makes it definite.
func Cycles(ctx context.Context, addr string, d time.Duration) (Result, error) {
	workers := make([]*worker, Connections)
	for i := range workers {
		w := &worker{user: fmt.Sprintf("rotating%d", i)}
		if err := w.begin(ctx, addr); err != nil {
			return Result{}, err
		}
		defer w.client.Close() //nolint:errcheck // all answers are in
		workers[i] = w
	}
	begin := time.Now()
	end := begin.Add(d)
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() { w.run(ctx, end) })
	}
	wg.Wait()
	return sum(workers, time.Since(begin))
}

// worker is one session and how long its cycles took.
type worker struct {
	user   string
	client *Client
	took   []time.Duration
	err    error
}

func (w *worker) begin(ctx context.Context, addr string) (err error) {
	if w.client, err = Dial(ctx, addr); err != nil {
		return err
	}
	return w.client.LogIn(w.user)
}

func (w *worker) run(ctx context.Context, end time.Time) {
	now := time.Now()
	for now.Before(end) && ctx.Err() == nil {
		if w.err = w.client.Rotate(w.user); w.err != nil {
			return
		}
		done := time.Now()
		w.took = append(w.took, done.Sub(now))
		now = done
	}
	w.err = ctx.Err()
}

func sum(workers []*worker, elapsed time.Duration) (Result, error) {
	var took []time.Duration
	var problems []error
	for _, w := range workers {
		took = append(took, w.took...)
		problems = append(problems, w.err)
	}
	if err := errors.Join(problems...); err != nil {
		return Result{}, err
	}
	if len(took) == 0 {
		return Result{}, fmt.Errorf("%w: no cycle came full circle", ErrSilent)
	}
	slices.Sort(took)
	return Result{
		Requests: len(took), Elapsed: elapsed,
		P50: percentile(took, 50), P99: percentile(took, 99),
	}, nil
}

// percentile is the smallest of the sorted values that p percent do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}
