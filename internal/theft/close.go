package theft

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Close waits until every theft that began has been told, for as long as ctx
// lives. Then it ends the contexts of the callbacks and gives up what waits,
// and after a moment of [Grace] what still runs. Each of these is a [Failure].
// It is called once.
func (t *Teller) Close(ctx context.Context) {
	if t == nil {
		return
	}
	defer t.end()
	idle := t.awaitIdle()
	select {
	case <-idle:
		return
	case <-ctx.Done():
	}
	for _, theft := range t.giveUpWaiting() {
		t.fail(theft, Closed)
	}
	t.end()
	grace := time.NewTimer(Grace)
	defer grace.Stop()
	select {
	case <-idle:
	case <-grace.C:
		for _, theft := range t.stillRunning() {
			t.fail(theft, NotReturned)
		}
	}
}

func (t *Teller) awaitIdle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = make(chan struct{})
	t.settle()
	return t.idle
}

// settle ends the waiting of Close once nothing is left: from then on no theft
// begins.
func (t *Teller) settle() {
	if t.idle == nil || t.settled || t.dealing > 0 || t.workers > 0 {
		return
	}
	t.over, t.settled = true, true
	close(t.idle)
}

func (t *Teller) giveUpWaiting() []*errors.TokenTheftError {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.waiting
	t.over, t.waiting = true, nil
	t.lost += len(waiting)
	return waiting
}

func (t *Teller) stillRunning() []*errors.TokenTheftError {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.running))
}
