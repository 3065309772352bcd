package storetest

import "github.com/gin-sessionkit/sessionkit/models"

// ending is one way in which a session is live, or not, at the time during.
type ending struct {
	name   string
	change func(*models.Session)
	// live and over are written down here rather than computed: the suite is
	// to be no second edition of what it tests.
	live bool
	// over means that an end passed before during; being revoked is none.
	over bool
}

// endings goes through all conditions, to the millisecond.
func endings() []ending {
	ends := func(idle, absolute int64) func(*models.Session) {
		return func(r *models.Session) { r.ExpiresAt, r.AbsoluteExpiresAt = idle, absolute }
	}
	revoked := func(at, idle, absolute int64) func(*models.Session) {
		return func(r *models.Session) {
			r.RevokedAt, r.RevokeReason = at, models.RevokedByTheft
			r.ExpiresAt, r.AbsoluteExpiresAt = idle, absolute
		}
	}
	return []ending{
		{"revoked", revoked(during-1, idleEnd, absoluteEnd), false, false},
		{"revoked, no absolute end", revoked(during-1, idleEnd, 0), false, false},
		{"revoked at a later time, as clocks differ", revoked(during+1, idleEnd, absoluteEnd), false, false},
		{"revoked, idle end 1 ms ago", revoked(during-2, during-1, absoluteEnd), false, true},
		{"revoked, absolute end 1 ms ago", revoked(during-2, idleEnd, during-1), false, true},
		{"idle end 1 ms ago", ends(during-1, absoluteEnd), false, true},
		{"idle end 1 ms ago, no absolute end", ends(during-1, 0), false, true},
		{"idle end now", ends(during, absoluteEnd), false, false},
		{"idle end now, no absolute end", ends(during, 0), false, false},
		{"absolute end 1 ms ago", ends(idleEnd, during-1), false, true},
		{"absolute end now", ends(idleEnd, during), false, false},
		{"both ends long ago", ends(created+1, created+1), false, true},
		{"idle end in 1 ms", ends(during+1, absoluteEnd), true, false},
		{"absolute end in 1 ms", ends(idleEnd, during+1), true, false},
		{"live", func(*models.Session) {}, true, false},
		{"live, no absolute end", ends(idleEnd, 0), true, false},
		{"live for a hundred years", ends(created+36525*day, 0), true, false},
		{"created at a later time, as clocks differ", func(r *models.Session) { r.CreatedAt = during + hour }, true, false},
	}
}
