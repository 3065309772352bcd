package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// worker does one operation after the other, a fair mixture of all.
type worker struct {
	*bed
	recorder

	svc   *session.Service
	plan  *plan
	stage int // the last one that is loaded
	// number sets apart the loaded rows that each worker touches.
	number int
	rng    *rand.Rand
}

// site is a table to work on.
type site struct {
	*bed
	plan  *plan
	stage int // the last one that is loaded
}

func (s site) size() int { return s.plan.sizes[s.stage] }

// measureSites lets all workers work on the sites by turns of a slice each, so that what
// disturbs the machine hits all; first without and then with taking the time. length is
// for each site.
func measureSites(ctx context.Context, sites []site, warm, slice, length time.Duration) ([][ops]summary, error) {
	workers, turns := sites[0].workers, time.Duration(len(sites))
	services := make([]*session.Service, len(sites))
	recorders := make([][]recorder, len(sites))
	for i, at := range sites {
		var err error
		if services[i], err = service(ctx, at.store, 0, nil); err != nil {
			return nil, err
		}
		defer services[i].Close()
		recorders[i] = make([]recorder, workers)
	}
	begin := time.Now().Add(turns * warm)
	err := parallel(ctx, workers, func(ctx context.Context, number int) error {
		own := make([]worker, len(sites))
		for i, at := range sites {
			own[i] = worker{
				bed: at.bed, svc: services[i], plan: at.plan, stage: at.stage, number: number,
				rng: newRand(at.plan.seed+uint64(at.stage), ^uint64(number)),
			}
		}
		warming := true
		for time.Since(begin) < turns*length {
			if warming && time.Since(begin) >= 0 {
				warming = false
				for i := range own {
					own[i].recorder = recorder{}
				}
			}
			turn := int((time.Since(begin) + turns*warm) / slice % turns)
			if err := own[turn].round(ctx); err != nil {
				return err
			}
		}
		for i := range own {
			recorders[i][number] = own[i].recorder
		}
		return nil
	})
	sums := make([][ops]summary, len(sites))
	for i := range sums {
		sums[i] = summarised(recorders[i])
	}
	return sums, err
}

// round is the life of one user with 20 sessions, and of one with a few, mixed
// with operations on loaded rows. It leaves the table as it was, so that the size is
// the same all the time.
func (w *worker) round(ctx context.Context) error {
	user, other := uuid(w.rng), uuid(w.rng)
	for i := range heavy {
		tokens, err := w.create(ctx, user)
		if err != nil {
			return err
		}
		if err := w.use(ctx, i, tokens); err != nil {
			return err
		}
		if err := w.onLoaded(ctx, i); err != nil {
			return err
		}
		if i%2 == 0 {
			if err := w.measure(ctx, opSelect1, w.select1); err != nil {
				return err
			}
		}
	}
	for range 4 {
		if err := w.measure(ctx, opList, func(ctx context.Context) error {
			list, err := w.svc.List(ctx, user)
			return expect(len(list), err, heavy)
		}); err != nil {
			return err
		}
		if err := w.createAndRevoke(ctx, other); err != nil {
			return err
		}
	}
	if err := w.measure(ctx, opRevokeAll, func(ctx context.Context) error {
		n, err := w.svc.RevokeAll(ctx, user)
		return expect(n, err, heavy)
	}); err != nil {
		return err
	}
	which, args := w.layout.ofUsers(user, other)
	_, err := w.db.ExecContext(ctx, "DELETE FROM "+w.table+" WHERE "+which, args...)
	return err
}

func (w *worker) select1(ctx context.Context) error {
	var one int
	return w.db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// create starts a session as a sign-in does.
func (w *worker) create(ctx context.Context, user string) (*session.Tokens, error) {
	options := []session.CreateOption{
		session.WithPayload(json.RawMessage(payload(w.rng))), session.WithData(json.RawMessage(data(w.rng))),
		session.WithDevice(userAgent(w.rng), "203.0.113.7"),
	}
	var tokens *session.Tokens
	err := w.measure(ctx, opCreate, func(ctx context.Context) (err error) {
		tokens, err = w.svc.Create(ctx, user, options...)
		return err
	})
	return tokens, err
}

// use refreshes most sessions: half of all use their new tokens then, and a quarter
// refresh again before.
func (w *worker) use(ctx context.Context, i int, tokens *session.Tokens) error {
	if i%4 == 3 {
		return nil
	}
	next, err := w.refresh(ctx, opRefresh, tokens)
	if err != nil {
		return err
	}
	if i%4 == 2 {
		_, err = w.refresh(ctx, opChild, next)
		return err
	}
	return w.promote(ctx, next)
}

func (w *worker) refresh(ctx context.Context, o op, tokens *session.Tokens) (*session.Tokens, error) {
	var next *session.Tokens
	err := w.measure(ctx, o, func(ctx context.Context) (err error) {
		next, err = w.svc.Refresh(ctx, tokens.Refresh.Value)
		return err
	})
	return next, err
}

// promote is the first use of a refreshed access token.
func (w *worker) promote(ctx context.Context, tokens *session.Tokens) error {
	return w.measure(ctx, opPromote, func(ctx context.Context) error {
		_, replacement, err := w.svc.Verify(ctx, tokens.Access.Value, tokens.AntiCSRF)
		return expect(replacement != nil, err, true)
	})
}

func (w *worker) createAndRevoke(ctx context.Context, user string) error {
	tokens, err := w.create(ctx, user)
	if err != nil {
		return err
	}
	return w.measure(ctx, opRevoke, func(ctx context.Context) error {
		ended, err := w.svc.Revoke(ctx, tokens.Session.Handle())
		return expect(ended, err, true)
	})
}

// onLoaded does the i-th operation of a round on loaded rows.
func (w *worker) onLoaded(ctx context.Context, i int) error {
	switch {
	case i == heavy/2:
		return w.revokeAllLoaded(ctx)
	case i%4 == 0:
		return w.advanceLoaded(ctx, w.anyRow())
	case i%4 == 1:
		return w.revokeLoaded(ctx, w.anyRow())
	case i%4 == 2:
		return w.listLoaded(ctx)
	default:
		row := w.anyRow()
		return w.measure(ctx, opLoadedFind, func(ctx context.Context) error {
			found, err := w.store.Find(ctx, row.Handle)
			return expect(found != nil, err, true)
		})
	}
}

// advanceLoaded is the statement of a promotion, and puts the row back.
func (w *worker) advanceLoaded(ctx context.Context, row models.Session) error {
	now, was := time.Now().UnixMilli(), row.Lineage
	step := models.Advance{
		Handle: row.Handle, From: was.Current, Previous: was.Current,
		IssuedAt: now, Generation: was.Generation + 1, ExpiresAt: idleEnd(now), Now: now,
	}
	fill(w.rng, step.To[:])
	if err := w.measure(ctx, opLoadedAdvance, func(ctx context.Context) error {
		ok, err := w.store.Advance(ctx, step)
		return expect(ok, err, true)
	}); err != nil {
		return err
	}
	which, args := w.layout.ofHandles(row.Handle)
	_, err := w.db.ExecContext(ctx, "UPDATE "+w.table+" SET refresh_cur_hash = ?, refresh_prev_hash = ?, refresh_cur_iat = ?, "+
		"refresh_gen = ?, last_used_at = ?, expires_at = ? WHERE "+which,
		append([]any{was.Current, was.Previous, was.IssuedAt, was.Generation, row.LastUsedAt, row.ExpiresAt}, args...)...)
	return err
}

func (w *worker) listLoaded(ctx context.Context) error {
	user := w.anyHeavy()
	return w.measure(ctx, opLoadedList, func(ctx context.Context) error {
		page, err := w.store.List(ctx, models.SessionsOfUser{UserID: user, Now: time.Now().UnixMilli()})
		return expect(len(page.Sessions), err, heavy)
	})
}

func (w *worker) revokeLoaded(ctx context.Context, row models.Session) error {
	if err := w.measure(ctx, opLoadedRevoke, func(ctx context.Context) error {
		ended, err := w.store.Revoke(ctx, models.Revocation{
			Handle: row.Handle, Reason: models.RevokedByApplication, Now: time.Now().UnixMilli(),
		})
		return expect(ended, err, true)
	}); err != nil {
		return err
	}
	which, args := w.layout.ofHandles(row.Handle)
	return w.unrevoke(ctx, which, args)
}

func (w *worker) revokeAllLoaded(ctx context.Context) error {
	user := w.anyHeavy()
	if err := w.measure(ctx, opLoadedRevokeAll, func(ctx context.Context) error {
		done, err := w.store.RevokeAll(ctx, models.RevocationOfUser{UserID: user, Reason: models.RevokedByRevokeAll, Now: time.Now().UnixMilli()})
		return expect(done.Count, err, heavy)
	}); err != nil {
		return err
	}
	which, args := w.layout.ofUsers(user)
	return w.unrevoke(ctx, which, args)
}

// unrevoke puts back what was revoked.
func (w *worker) unrevoke(ctx context.Context, which string, args []any) error {
	_, err := w.db.ExecContext(ctx, "UPDATE "+w.table+" SET revoked_at = 0, revoke_reason = '' WHERE "+which, args...)
	return err
}

// anyRow is a loaded row of an ordinary user that no other worker picks.
func (w *worker) anyRow() models.Session {
	for {
		i := w.mine(w.plan.sizes[w.stage])
		k := w.plan.stageOf(i)
		s := w.plan.stage(k)
		if owner := s.owner(i - s.start); owner >= s.heavies {
			return w.plan.rowOf(i, w.plan.user(k, owner))
		}
	}
}

// anyHeavy is a loaded user with 20 sessions, from all over the table, that no
// other worker picks.
func (w *worker) anyHeavy() string {
	row := w.rng.IntN(w.plan.sizes[w.stage])
	k := w.plan.stageOf(row)
	s := w.plan.stage(k)
	return w.plan.user(k, w.mine(s.heavies))
}

// mine is a random number below n that is the worker's own.
func (w *worker) mine(n int) int {
	return w.number + w.workers*w.rng.IntN((n-w.number+w.workers-1)/w.workers)
}
