package storetest

import "github.com/gin-sessionkit/sessionkit/models"

// refusal is one condition of a write that is not met: it changes a row, and a request
// of type R that fits it.
type refusal[R any] struct {
	name   string
	change func(tr *trial, row *models.Session, request *R)
}

// refusals are the conditions of a method, each alone: all others are met. fitting is a
// row and a request that would be granted, send sends it.
func refusals[R any](
	method string, cases []refusal[R], fitting func(*trial) (models.Session, R), send func(*trial, R) (bool, error),
) (list []check) {
	for _, c := range cases {
		list = append(list, check{method + " refuses " + c.name, func(tr *trial) {
			row, request := fitting(tr)
			c.change(tr, &row, &request)
			row = tr.insert(func(r *models.Session) { *r = row })
			tr.requireMatch(false, c.name)(send(tr, request))
			tr.requireStored(row, c.name)
		}})
	}
	return list
}
