package rig

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/refresh"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Paths that the kit's own routes have unless Config.Cookie says otherwise.
const (
	RefreshPath = "/auth/session/refresh"
	SignOutPath = "/auth/signout"
)

func (a *App) addRoutes(cfg AppConfig) {
	gin.SetMode(gin.ReleaseMode)
	a.Router = gin.New()
	a.Router.Use(gin.RecoveryWithWriter(io.Discard))
	if cfg.Routes != nil {
		cfg.Routes(a.Router, a)
	}
	if cfg.Pages {
		refresh.Mount(a.Router, a.Svc, refresh.Pages(PageLogin))
		pages := middleware.VerifyPage(a.Svc, middleware.Page{Login: PageLogin})
		a.Router.GET(pagePath, pages, a.Me)
		a.Router.POST(pagePath, pages, a.Me)
	} else {
		refresh.Mount(a.Router, a.Svc)
	}

	own := a.Router.Group(cfg.Prefix)
	own.Match([]string{http.MethodGet, http.MethodPost}, "/login", a.login)
	own.GET("/visitor", middleware.VerifyOptional(a.Svc), a.visitor)
	own.GET("/strict", middleware.Verify(a.Svc, session.WithRevocation(session.RevokeImmediately)), a.Me)

	protected := own.Group("/", middleware.Verify(a.Svc))
	protected.GET("/me", a.Me)
	protected.POST("/act", a.Me)
	protected.GET("/data", a.readData)
	protected.PUT("/data", a.writeData)
	protected.POST("/revoke", a.revoke)
	protected.POST("/revoke-all", a.revokeAll)
}

// Session is the session of a request that was verified. The ledger notes that its
// handler was reached.
func (a *App) Session(c *gin.Context) *session.Session {
	sess := c.MustGet(middleware.Key).(*session.Session)
	a.Ledger.handlerRan(sess.Handle())
	return sess
}

// login trusts whoever says who they are: tests are about what comes after.
func (a *App) login(c *gin.Context) {
	body := struct {
		User    string          `json:"user"`
		Payload json.RawMessage `json:"payload"`
		Data    json.RawMessage `json:"data"`
	}{User: c.Query("user")}
	if c.Request.ContentLength != 0 && c.ShouldBindJSON(&body) != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	var opts []session.CreateOption
	if body.Payload != nil {
		opts = append(opts, session.WithPayload(body.Payload))
	}
	if body.Data != nil {
		opts = append(opts, session.WithData(body.Data))
	}
	_, err := middleware.Create(c, a.Svc, body.User, opts...)
	a.Answer(c, err)
}

// visitor is Me, or says that nobody is signed in.
func (a *App) visitor(c *gin.Context) {
	if _, signedIn := middleware.Session(c); signedIn {
		a.Me(c)
		return
	}
	c.JSON(http.StatusOK, gin.H{"user": "visitor"})
}

// Me answers what the access token says: user, handle and payload.
func (a *App) Me(c *gin.Context) {
	sess := a.Session(c)
	var payload json.RawMessage
	if err := sess.Payload(&payload); err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"user": sess.UserID(), "handle": sess.Handle(), "payload": payload})
}

func (a *App) readData(c *gin.Context) {
	var data json.RawMessage
	if err := a.Session(c).Data(c.Request.Context(), &data); err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"data": data})
}

// writeData stores the parameter value, or else the body, which is JSON.
func (a *App) writeData(c *gin.Context) {
	sess := a.Session(c)
	var body json.RawMessage
	value, given := c.GetQuery("value")
	if !given && c.ShouldBindJSON(&body) != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	data := any(body)
	if given {
		data = value
	}
	if err := sess.UpdateData(c.Request.Context(), data); err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true, "user": sess.UserID()})
}

func (a *App) revoke(c *gin.Context) { a.Answer(c, a.Session(c).Revoke(c.Request.Context())) }

func (a *App) revokeAll(c *gin.Context) {
	_, err := a.Svc.RevokeAll(c.Request.Context(), a.Session(c).UserID())
	a.Answer(c, err)
}

// Answer says that all is well, or what the kit makes of the error.
func (a *App) Answer(c *gin.Context, err error) {
	if err != nil {
		middleware.Abort(c, a.Svc, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ok": true})
}
