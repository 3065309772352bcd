package plain

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-sessionkit/sessionkit/middleware"
)

//go:embed pages
var templates embed.FS

//go:embed static
var static embed.FS

// pages are the templates, each with the frame around it.
type pages map[string]*template.Template

// parse reads them all. They are embedded, so that what is wrong with one shows at the
// start of the program.
func parse() pages {
	frame := template.New("frame").Funcs(template.FuncMap{
		"euro": euro, "things": things, "inc": func(n int) int { return n + 1 }, "dec": func(n int) int { return n - 1 },
		"at": func(t time.Time) string { return t.Format("2 January, 15:04") },
	})
	frame = template.Must(frame.ParseFS(templates, "pages/frame.html", "pages/parts.html"))
	all := pages{}
	files, _ := fs.Glob(templates, "pages/*.html") // the pattern is a good one
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name != "frame" && name != "parts" {
			all[name] = template.Must(template.Must(frame.Clone()).ParseFS(templates, file))
		}
	}
	return all
}

// view is what a page is made of.
type view struct {
	Title string
	// User is who is signed in; empty for a visitor.
	User string
	// Visitor: this one has a session all the same.
	Visitor bool
	// Count is how many things are in the cart.
	Count int
	// Bare leaves out what stands on the session.
	Bare bool
	// Script is for the page with HTMX.
	Script bool
	// At is the page's name, Path its address.
	At, Path string
	Page     any
}

// policy lets a page load a style sheet and pictures of this origin, and send forms
// there: no script runs, wherever it came from. policyHTMX lets the one script run.
const (
	policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
	policyHTMX = policy + "; script-src 'self'; connect-src 'self'"
)

// headers are those of all pages. Pages that stand on a session are kept by no cache
// besides: VerifyPage sees to it.
func headers(c *gin.Context) {
	c.Header("Content-Security-Policy", policy)
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	// Not "no-referrer": with that, forms say "Origin: null".
	c.Header("Referrer-Policy", "same-origin")
	c.Header("X-Content-Type-Options", "nosniff")
}

// show answers with a page for whoever asks.
func (s *shop) show(c *gin.Context, status int, name, title string, about any) {
	v := view{Title: title, Page: about}
	sess, user := signedIn(c)
	if user {
		v.User = sess.UserID()
	}
	v.Visitor = sess != nil && !user
	all, err := cartOf(c, sess)
	if err != nil {
		middleware.Abort(c, s.svc, err)
		return
	}
	v.Count = all.count()
	s.render(c, status, name, v)
}

func (s *shop) render(c *gin.Context, status int, name string, v view) {
	if v.Script = name == "live"; v.Script {
		c.Header("Content-Security-Policy", policyHTMX)
	}
	v.At, v.Path = name, c.Request.URL.Path
	s.write(c, status, name, "frame.html", v)
}

// fragment answers with a part of a page.
func (s *shop) fragment(c *gin.Context, status int, name string, about any) {
	s.write(c, status, "live", name, about)
}

func (s *shop) write(c *gin.Context, status int, page, name string, about any) {
	var out bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&out, name, about); err != nil {
		panic(err) // ours alone: the templates and what is in them
	}
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}

// mountStatic adds the style sheet, the pictures and the script.
func (s *shop) mountStatic(router gin.IRoutes) {
	files, _ := fs.Sub(static, "static")   // the folder is there: it is embedded
	names, _ := fs.Glob(files, "*.[csj]*") // the pattern is a good one
	assets := http.StripPrefix(Root+"/static/", http.FileServerFS(files))
	for _, name := range names {
		router.GET("/static/"+name, func(c *gin.Context) {
			c.Header("Cache-Control", "no-cache")
			assets.ServeHTTP(c.Writer, c.Request)
		})
	}
}
