package keyring

import (
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// State is what the ring has of keys for one purpose.
type State struct {
	// Readable are keys that verify now, those that do not sign yet included.
	// Unreadable are rows that no key-encryption key opens, that are broken, or that a
	// later version wrote.
	Readable, Unreadable int
	// SigningFor is how long the key that signs now has done so; 0 where there is
	// none, and for keys of a provider, which does not say.
	SigningFor time.Duration
}

// States are those of all purposes, by what is in memory.
func (r *Ring) States() map[models.KeyPurpose]State {
	states := make(map[models.KeyPurpose]State, len(r.sources))
	for p, s := range r.sources {
		states[p] = s.snap.Load().state(p, s.now(), r.lifetimes[p])
	}
	return states
}

func (s *snapshot) state(p models.KeyPurpose, now, lifetime int64) (state State) {
	for _, e := range s.entries {
		switch {
		case e.purpose != p || e.retireAt <= now:
		case e.readable():
			state.Readable++
		default:
			state.Unreadable++
		}
	}
	state.SigningFor = s.signingFor(p, now, lifetime)
	return state
}

// signingFor is how long the key that signs for p has done so; 0 as State says.
func (s *snapshot) signingFor(p models.KeyPurpose, now, lifetime int64) time.Duration {
	e, ok := s.signer(p, now, lifetime)
	if !ok || e.activeFrom <= 0 || now < e.activeFrom {
		return 0
	}
	return time.Duration(now-e.activeFrom) * time.Millisecond
}

// Age is how long ago the oldest of the loads began that brought what is in memory.
func (r *Ring) Age() (age time.Duration) {
	for _, s := range r.all() {
		age = max(age, time.Duration(s.now()-s.snap.Load().asOf)*time.Millisecond)
	}
	return age
}
