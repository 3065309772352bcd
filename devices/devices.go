package devices

import (
	"fmt"
	"path"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/internal/ginroute"
	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Config is what an application may change. The zero Config is ready.
type Config struct {
	// Verify is what every route demands of the session, such as session.WithClaims for
	// a second factor. It comes after
	// session.WithRevocation(session.RevokeImmediately), which another WithRevocation
	// replaces: session.RevokeAtExpiry saves one SELECT per request, and lets a session
	// that was ended go on ending others for the rest of its access token's life.
	Verify []session.VerifyOption

	// Prefix is what a proxy in front takes off the path, such as "/api". [Mount] asks
	// with it whether cookies reach the routes.
	Prefix string
}

// Mount adds the four routes below the group; the package's text says what they
// answer. They verify by themselves, so the group needs no middleware.Verify, and may
// have it.
//
// Without a Service it panics at once, and so it does on a group to which browsers send
// no access token: below Config.Cookie.AccessPath they do.
func Mount(group gin.IRoutes, svc *session.Service, cfg Config) {
	ginroute.MustHave(svc, "devices.Mount")
	at := "/"
	if g, ok := group.(interface{ BasePath() string }); ok {
		at += g.BasePath()
	}
	if at = path.Join("/", cfg.Prefix, at, list); !svc.Reaches(at) {
		panic(fmt.Sprintf("devices: Mount would make routes at %q, to which browsers send no access token: mount on a group below"+
			" Config.Cookie.AccessPath; where a proxy takes a prefix off the path, name it in devices.Config.Prefix", at))
	}
	h := handlers{svc}
	verify := middleware.Verify(svc, append([]session.VerifyOption{session.WithRevocation(session.RevokeImmediately)}, cfg.Verify...)...)
	group.GET(list, verify, h.of(h.list))
	group.DELETE(list+"/:id", verify, h.of(h.end))
	group.PATCH(list+"/:id", verify, h.of(h.name))
	group.POST(list+"/revoke-others", verify, h.of(h.endOthers))
}

const list = "/sessions"
