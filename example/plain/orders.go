package plain

import (
	"slices"
	"sync"
	"time"
)

// order is what somebody has bought.
type order struct {
	At    time.Time
	Lines []line
	Sum   int
}

// maxOrders bounds what all users together may have in memory.
const maxOrders = 1000

// orders are in memory, as the account they belong to is: a demonstration has no
// database of its own.
type orders struct {
	mu   sync.Mutex
	all  []ownedOrder
	from func() time.Time
}

type ownedOrder struct {
	user string
	order
}

func (o *orders) add(user string, of cart) {
	lines, sum := of.lines()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, ownedOrder{user, order{o.from(), lines, sum}})
	o.all = o.all[max(0, len(o.all)-maxOrders):]
}

// of are a user's, the newest first.
func (o *orders) of(user string) (list []order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range slices.Backward(o.all) {
		if one.user == user {
			list = append(list, one.order)
		}
	}
	return list
}

func (o *orders) forget(user string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = slices.DeleteFunc(o.all, func(one ownedOrder) bool { return one.user == user })
}
