// Package ginroute marks the routes that refresh.Mount makes, so that package
// middleware lets requests to them pass: an expired session needs them. A handler that
// an application mounts by itself is not marked: others may stand before it that count
// on Verify.
//
// Gin tells a middleware which handler a request will reach, but a handler is a
// function, and all that can be asked of a function is its code. So the marked ones
// share theirs, and are asked by a call for what they do not share: whose they are.
package ginroute

import (
	"reflect"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// ownerKey is where a question waits in a Gin context that no request has.
const ownerKey = "sessionkit.owner"

// Of marks handler as svc's.
//
//go:noinline
func Of(svc *session.Service, handler gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if value, _ := c.Get(ownerKey); value != nil {
			if owner, asked := value.(**session.Service); asked {
				*owner = svc
				return
			}
		}
		handler(c)
	}
}

// marked is the code of what Of returns. Of is not inlined, else there would be a copy
// of it for every caller.
var marked = codeOf(Of(nil, nil))

func codeOf(handler gin.HandlerFunc) uintptr { return reflect.ValueOf(handler).Pointer() }

// IsOf reports whether the handler that c's request will reach is marked as svc's.
func IsOf(c *gin.Context, svc *session.Service) bool {
	handler := c.Handler()
	if handler == nil || codeOf(handler) != marked {
		return false
	}
	var owner *session.Service
	question := new(gin.Context)
	question.Set(ownerKey, &owner)
	handler(question)
	return owner == svc
}

// MustHave panics without a Service: at the start of the program, and not in the first
// request.
func MustHave(svc *session.Service, function string) {
	if svc == nil {
		panic(function + " needs a *session.Service: use what session.New returned without an error")
	}
}

// MustVerify is MustHave for middleware that verifies, and panics for options that the
// Service cannot take.
func MustVerify(svc *session.Service, function string, opts []session.VerifyOption) {
	MustHave(svc, function)
	if err := svc.CheckVerify(opts...); errors.Is(err, errors.ErrConfig) {
		panic(function + ": " + err.Error())
	}
}

// MustShow is MustVerify for middleware and routes of pages.
func MustShow(svc *session.Service, function string, p session.Site, opts []session.VerifyOption) {
	MustHave(svc, function)
	if err := svc.CheckSite(p, opts...); errors.Is(err, errors.ErrConfig) {
		panic(function + ": " + err.Error())
	}
}
