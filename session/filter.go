package session

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Filter selects live sessions: those for which everything holds that is set.
type Filter struct {
	// Users are user ids. Their sessions are found by the index, without reading the
	// table. nil means everybody; an empty list is refused, as it is mostly the result
	// of a search that found nobody.
	Users []string
	// CreatedBefore selects sessions whose user signed in before that time.
	CreatedBefore time.Time
	// NotUsedSince selects sessions that have not been used since. A use is noted about
	// once in the life of an access token, so that with a time that is closer than
	// Config.AccessTokenValidity sessions in use are selected too.
	NotUsedSince time.Time
	// IPPrefix selects sessions whose stored address is within. What was stored,
	// Config.IPAddresses said at the sign-in: nothing is within no prefix, and a
	// network is stored as its first address (192.0.2.0 for all of 192.0.2.0/24), so
	// that a longer prefix than /24 and /48 finds little of it. The address is that of
	// the sign-in, and never moves.
	IPPrefix netip.Prefix
	// ExceptHandles are sessions to spare.
	ExceptHandles []string
	// All allows a filter that selects every session, but for ExceptHandles: without
	// any of the others, with times of the last minute or in the future, or with a
	// prefix of no bits.
	All bool
}

// check refuses what is most likely a mistake, and reports whether the filter selects
// everything.
func (f *Filter) check(now time.Time) (everything bool, err error) {
	wrong := func(format string, args ...any) (bool, error) {
		return false, invalidInput(fmt.Errorf("Filter."+format, args...))
	}
	if f.Users != nil && len(f.Users) == 0 {
		return wrong("Users: the list is empty; nil means everybody")
	}
	for i, user := range f.Users {
		if err := checkUserID(user); err != nil {
			return wrong("Users: number %d: %w", i, errors.ErrUserIDInvalid)
		}
	}
	prefixed := f.IPPrefix != netip.Prefix{}
	switch addr := f.IPPrefix.Addr(); {
	case prefixed && !f.IPPrefix.IsValid():
		return wrong("IPPrefix: is no valid prefix")
	case addr.Is4In6():
		return wrong("IPPrefix: %v is IPv4 in IPv6 form; addresses are stored as IPv4", f.IPPrefix)
	}
	everything = f.Users == nil && (!prefixed || f.IPPrefix.Bits() == 0) && !past(f.CreatedBefore, now) && !past(f.NotUsedSince, now)
	if everything && !f.All {
		return wrong("All: the filter selects every session, which needs All: true")
	}
	return everything, nil
}

// past reports whether t is a time that leaves something out. What happened in the last
// minute is next to nothing.
func past(t, now time.Time) bool { return !t.IsZero() && t.Before(now.Add(-time.Minute)) }

// selection is a Filter that was checked, made quick to ask.
type selection struct {
	Filter
	users  []string // sorted, each once; nil = everybody
	except map[string]bool
	// everything: nothing but All and ExceptHandles says what is selected.
	everything bool
}

func (s *Service) selection(f Filter) (*selection, error) {
	everything, err := f.check(s.cfg.Now())
	if err != nil {
		return nil, err
	}
	sel := &selection{
		Filter: f, users: slices.Compact(slices.Sorted(slices.Values(f.Users))),
		except: map[string]bool{}, everything: everything,
	}
	for _, handle := range f.ExceptHandles {
		sel.except[handle] = true
	}
	return sel, nil
}

// of returns the rows that are selected. Whose they are, the caller asked the store.
func (s *selection) of(rows []models.Session) []models.Session {
	return slices.DeleteFunc(slices.Clone(rows), func(row models.Session) bool { return !s.selects(&row) })
}

// selects asks for the columns: handles tell the time too, but not that of the sign-in
// where one session replaces another.
func (s *selection) selects(row *models.Session) bool {
	switch {
	case s.except[row.Handle],
		!s.CreatedBefore.IsZero() && !time.UnixMilli(row.CreatedAt).Before(s.CreatedBefore),
		!s.NotUsedSince.IsZero() && !time.UnixMilli(row.LastUsedAt).Before(s.NotUsedSince):
		return false
	case s.IPPrefix == netip.Prefix{}:
		return true
	}
	addr, err := netip.ParseAddr(row.IP)
	return err == nil && s.IPPrefix.Contains(addr.Unmap().WithZone(""))
}
