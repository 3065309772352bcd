package main

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// page holds the page as it is served: no build step, no network.
//
//go:embed page
var page embed.FS

// policy allows the page its own scripts, styles and requests, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// settings are what the page is told.
type settings struct {
	ExpiredStatus    int
	AccessValidity   time.Duration
	ConcurrentWindow time.Duration
	Revocation       string
	Live             bool
	Store            string
	MaxDevices       int
	Forge            string
}

// mountPage adds the page and its files.
func mountPage(router *gin.Engine, opts options, demo *demo) {
	index := render(opts)
	router.GET("/", func(c *gin.Context) {
		demo.viewerOf(c)
		pageHeaders(c)
		c.Header("Content-Security-Policy", policy)
		c.Header("Cross-Origin-Opener-Policy", "same-origin")
		c.Header("Referrer-Policy", "no-referrer")
		c.Data(http.StatusOK, "text/html; charset=utf-8", index)
	})
	files, _ := fs.Sub(page, "page") // the folder is there: it is embedded
	assets := http.StripPrefix("/assets/", http.FileServerFS(files))
	for _, name := range []string{"page.css", "live.js", "refresh.js", "page.js", "session.js", "theft.js", "timeline.js", "mark.svg"} {
		router.GET("/assets/"+name, func(c *gin.Context) {
			pageHeaders(c)
			assets.ServeHTTP(c.Writer, c.Request)
		})
	}
}

// pageHeaders keep other origins from embedding, and caches from serving an
// older page with a newer script.
func pageHeaders(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("X-Content-Type-Options", "nosniff")
}

// render fills the settings in, once.
func render(opts options) []byte {
	text := template.New("index.html").Funcs(template.FuncMap{"short": short, "handler": handlerURL})
	text = template.Must(text.ParseFS(page, "page/index.html"))
	var out bytes.Buffer
	s := settings{
		ExpiredStatus:    opts.expiredStatus(),
		AccessValidity:   opts.accessValidity,
		ConcurrentWindow: opts.concurrentWindow,
		Revocation:       opts.revocation(),
		Live:             opts.revocationWithin != 0,
		Store:            opts.storeName(),
		MaxDevices:       maxDevices,
		Forge:            forge,
	}
	template.Must(text, text.Execute(&out, s))
	return out.Bytes()
}

// short is d as people write it: 1m, not 1m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
