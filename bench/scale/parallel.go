package main

import (
	"context"
	"sync"
)

// parallel runs fn n times at once and waits for all. The first error ends the
// context of the others, and is returned.
func parallel(ctx context.Context, n int, fn func(ctx context.Context, worker int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for worker := range n {
		wg.Go(func() {
			if err := fn(ctx, worker); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
