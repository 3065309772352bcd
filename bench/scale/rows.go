package main

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"

	"github.com/gin-sessionkit/sessionkit/models"
)

const (
	dayMillis = int64(24 * 60 * 60 * 1000)
	// idle is how long a session lives without use: the kit's default.
	idle = 100 * dayMillis
	// idleStep is the kit's grid of ends.
	idleStep = idle / 64
	// age is how long ago the oldest loaded session began.
	age = 200 * dayMillis
	// heavy is how many sessions the users have that are listed and revoked.
	heavy = 20
	// crowd is how many sessions five ordinary users have: 1, 2, 3, 4 and 5.
	crowd = 15
)

// plan says what the table is filled with. Row i is a function of the plan
// alone, so that any loaded row can be named, and advanced from its current
// token, without asking the database for it first.
type plan struct {
	seed   uint64
	now    int64 // milliseconds; every row lives then and for an hour more
	sizes  []int // ascending; each is one stage of the filling
	layout layout
}

// stage is the part of the rows that one filling adds. Users belong to one stage.
type stage struct {
	start, n int
	heavies  int // users with 20 sessions; they have about a tenth of the rows
	// back has no divisor in common with n: multiples of it, modulo n, spread the sessions
	// of one user over the stage.
	back uint64
}

func (p *plan) stage(k int) stage {
	s := stage{n: p.sizes[k]}
	if k > 0 {
		s.start = p.sizes[k-1]
		s.n -= s.start
	}
	s.heavies = s.n / (10 * heavy)
	// The golden ratio spreads multiples of the step most evenly.
	n := big.NewInt(int64(s.n))
	for step := int64(float64(s.n)*0.618) | 1; ; step += 2 {
		if back := new(big.Int).ModInverse(big.NewInt(step), n); back != nil {
			s.back = back.Uint64()
			return s
		}
	}
}

// position is the place of the stage's row j in the order of users.
func (s *stage) position(j int) int { return int(uint64(j) * s.back % uint64(s.n)) }

// owner is the number of the user, within the stage, of row j. Heavy users come first.
func (s *stage) owner(j int) int {
	at := s.position(j)
	if at < s.heavies*heavy {
		return at / heavy
	}
	at -= s.heavies * heavy
	user := s.heavies + at/crowd*5
	for n, left := 1, at%crowd; left >= n; n++ {
		left -= n
		user++
	}
	return user
}

// user names a user of a stage.
func (p *plan) user(k, number int) string {
	return uuid(newRand(p.seed+uint64(k)+1, uint64(number)))
}

func (p *plan) stageOf(i int) int {
	for k, size := range p.sizes {
		if i < size {
			return k
		}
	}
	panic("scale: row outside of the plan")
}

// row is row i of the table.
func (p *plan) row(i int) models.Session {
	k := p.stageOf(i)
	s := p.stage(k)
	return p.rowOf(i, p.user(k, s.owner(i-s.start)))
}

// rowOf is row without looking up the user.
func (p *plan) rowOf(i int, user string) models.Session {
	rng := newRand(p.seed, uint64(i))
	created := p.now - age + int64(float64(age)*float64(i)/float64(p.sizes[len(p.sizes)-1]))
	row := newRow(rng, user, created, p.layout)
	// Used at some time since, but not so long ago that it would have ended.
	oldest := max(created, p.now-idle+idleStep+dayMillis/24)
	used := oldest + rng.Int64N(max(1, p.now-oldest))
	row.LastUsedAt, row.Lineage.IssuedAt, row.ExpiresAt = used, used, idleEnd(used)
	if row.Lineage.Generation = rng.Int64N(64); row.Lineage.Generation > 0 {
		fill(rng, row.Lineage.Previous[:])
	}
	return row
}

// idleEnd is the end of a session that was used at the given time.
func idleEnd(used int64) int64 { return (used + idle) / idleStep * idleStep }

// newRow is a session as the service creates it.
func newRow(rng *rand.Rand, user string, now int64, l layout) models.Session {
	row := models.Session{
		Handle: l.handle(rng, now, user), UserID: user,
		Payload: payload(rng), Data: data(rng),
		CreatedAt: now, LastUsedAt: now, ExpiresAt: idleEnd(now),
		UserAgent: userAgent(rng), IP: fmt.Sprintf("203.0.113.%d", rng.IntN(256)),
		Lineage: models.Lineage{IssuedAt: now},
	}
	fill(rng, row.Lineage.Current[:])
	return row
}

// newRand is repeatable, and fast enough to make rows by the million.
func newRand(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream))
}

// handles are texts as the service makes them.
var handles = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

func payload(rng *rand.Rand) []byte {
	return fmt.Appendf(nil, `{"email":"user-%07d@example.org","name":"Test User","roles":["member","editor"],"tenant":"t-%04d"}`,
		rng.IntN(1e7), rng.IntN(1e4))
}

func data(rng *rand.Rand) []byte {
	return fmt.Appendf(nil, `{"cart":[{"sku":"A-%06d","n":%d}],"lastOrder":"%s","locale":"en-GB","theme":"dark"}`,
		rng.IntN(1e6), 1+rng.IntN(9), uuid(rng))
}

func userAgent(rng *rand.Rand) string {
	version := 110 + rng.IntN(40)
	if rng.IntN(3) == 0 {
		return fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", version, version)
	}
	return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", version)
}

// uuid is what most applications name their users by.
func uuid(rng *rand.Rand) string {
	var b [16]byte
	fill(rng, b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func fill(rng *rand.Rand, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, rng.Uint64())
	}
}
