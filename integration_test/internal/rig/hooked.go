package rig

import (
	"context"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Hooked is a store that calls Hook before and after each call that concerns a
// session, so that a process can end itself at that very point, and Failed after one
// that failed. Both may be nil.
type Hooked struct {
	session.Store
	Hook   func(method string, after bool)
	Failed func(method string, err error)
}

func hooked[T any](h *Hooked, method string, call func() (T, error)) (T, error) {
	if h.Hook != nil {
		h.Hook(method, false)
		defer h.Hook(method, true)
	}
	result, err := call()
	if err != nil && h.Failed != nil {
		h.Failed(method, err)
	}
	return result, err
}

// Insert implements session.Store.
func (h *Hooked) Insert(ctx context.Context, row *models.Session) error {
	_, err := hooked(h, "Insert", func() (struct{}, error) { return struct{}{}, h.Store.Insert(ctx, row) })
	return err
}

// Find implements session.Store.
func (h *Hooked) Find(ctx context.Context, handle string) (*models.Session, error) {
	return hooked(h, "Find", func() (*models.Session, error) { return h.Store.Find(ctx, handle) })
}

// Advance implements session.Store.
func (h *Hooked) Advance(ctx context.Context, step models.Advance) (bool, error) {
	return hooked(h, "Advance", func() (bool, error) { return h.Store.Advance(ctx, step) })
}

// Extend implements session.Store.
func (h *Hooked) Extend(ctx context.Context, ext models.Extend) (bool, error) {
	return hooked(h, "Extend", func() (bool, error) { return h.Store.Extend(ctx, ext) })
}

// WriteData implements session.Store.
func (h *Hooked) WriteData(ctx context.Context, w models.DataWrite) (bool, error) {
	return hooked(h, "WriteData", func() (bool, error) { return h.Store.WriteData(ctx, w) })
}

// Revoke implements session.Store.
func (h *Hooked) Revoke(ctx context.Context, r models.Revocation) (bool, error) {
	return hooked(h, "Revoke", func() (bool, error) { return h.Store.Revoke(ctx, r) })
}
