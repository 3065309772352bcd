package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/middleware"
	"github.com/gin-sessionkit/sessionkit/session"
)

// docBlock is a fenced block of a page. One after a comment such as
// <!-- not run: why --> is skipped, which TestDocs_OptOuts counts.
type docBlock struct {
	page, language, text string
	skipped              bool
}

var fencedBlock = regexp.MustCompile("(?ms)(^<!-- not run: [^\n]+ -->\n)?^ *```([^\n]*)\n(.*?)^ *```$")

// docPages returns the text of every page by its name.
func docPages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	pages := map[string]string{}
	for _, path := range append(paths, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md") {
		pages[filepath.Base(path)] = textOf(t, path)
	}
	return pages
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // the project's own
	require.NoError(t, err)
	return string(text)
}

// docBlocks returns the blocks of one language; of all if it is empty.
func docBlocks(t *testing.T, language string) (blocks []docBlock) {
	t.Helper()
	for page, text := range docPages(t) {
		all := fencedBlock.FindAllStringSubmatch(text, -1)
		require.Equal(t, 2*len(all), strings.Count(text, "```"), "%s: a fence is open", page)
		for _, found := range all {
			block := docBlock{page, found[2], found[3], found[1] != ""}
			if language == "" || !block.skipped && block.language == language {
				blocks = append(blocks, block)
			}
		}
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// Every block says what it is: console is a transcript, text is a drawing. What is not run
// is counted, so that nobody adds to it unseen.
func TestDocs_OptOuts(t *testing.T) {
	t.Parallel()
	var skipped, drawn []string
	for _, block := range docBlocks(t, "") {
		switch {
		case block.skipped:
			skipped = append(skipped, block.page)
		case block.language == "text":
			drawn = append(drawn, block.page)
		case block.language == "console" || block.language == "go.mod":
			require.Equal(t, "README.md", block.page, "only TestReadme runs it")
		case block.language == "json" || block.language == "mysql":
			require.Equal(t, "operations.md", block.page, "only TestDocs_Vitess compares it")
		default:
			require.Contains(t, []string{"go", "sh", "sql", "nginx", "mermaid"}, block.language, "%s: a block's language", block.page)
		}
	}
	require.ElementsMatch(t, []string{"front-ends.md", "README.md", "README.md", "README.md"}, skipped)
	require.ElementsMatch(t, []string{"protocol.md", "protocol.md", "protocol.md"}, drawn)
}

// fragmentHead declares what fragments take for granted.
const fragmentHead = `func _(ctx context.Context, svc *session.Service, sess *session.Session, router *gin.Engine, c *gin.Context, db *gorm.DB,
	w http.ResponseWriter, r *http.Request, signIn gin.HandlerFunc, dialFirstThatAnswers mysql.DialContextFunc) {
`

// fragmentImports are the packages that fragments name.
var fragmentImports = map[string]string{
	"context": "context", "http": "net/http", "gin": "github.com/gin-gonic/gin", "gorm": "gorm.io/gorm", "mysql": "github.com/go-sql-driver/mysql",
	"errors": "github.com/gin-sessionkit/sessionkit/errors", "session": "github.com/gin-sessionkit/sessionkit/session",
	"middleware": "github.com/gin-sessionkit/sessionkit/middleware", "refresh": "github.com/gin-sessionkit/sessionkit/refresh",
	"gormstore": "github.com/gin-sessionkit/sessionkit/models/gormstore",
}

// Go that stands in a test of this folder runs there. The rest is compiled, all by one
// command: programs and declarations as they are, statements in a function. The files
// are an overlay of the compiler's: nothing is written into the repository.
func TestDocs_Go(t *testing.T) {
	t.Parallel()
	run := testSources(t)
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	files, dir := map[string]string{}, t.TempDir()
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json")}
	for i, block := range docBlocks(t, "go") {
		if strings.Contains(run, block.text) || block.page == "README.md" && strings.HasPrefix(block.text, "package main") { // TestReadme
			continue
		}
		name := fmt.Sprintf("docblock%d", i)
		write(t, dir, name+".go", fragment(block.text))
		files[filepath.Join(root, name, block.page+".go")] = filepath.Join(dir, name+".go")
		args = append(args, "./"+name)
	}
	require.NotEmpty(t, files)
	overlay, err := json.Marshal(map[string]any{"Replace": files})
	require.NoError(t, err)
	write(t, dir, "overlay.json", string(overlay))
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput() //nolint:gosec // our own pages
	require.NoError(t, err, "%s", out)
}

// testSources is the text of this folder's tests, as it stands and without the
// indentation of a function's body.
func testSources(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range files {
		all.WriteString(textOf(t, name))
	}
	return all.String() + strings.ReplaceAll(all.String(), "\n\t", "\n")
}

// fragment makes a file of a block.
func fragment(text string) string {
	if strings.HasPrefix(text, "package ") {
		return text
	}
	if !regexp.MustCompile(`(?m)^(func|var|type|const) `).MatchString(text) {
		for _, name := range regexp.MustCompile(`(?m)^(\w+) :=`).FindAllStringSubmatch(text, -1) {
			text += "_ = " + name[1] + "\n"
		}
		text = fragmentHead + text + "}\n"
	}
	var imports strings.Builder
	for name, path := range fragmentImports {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(text) {
			fmt.Fprintf(&imports, "import %s %q\n", name, path)
		}
	}
	return "package docs\n\n" + imports.String() + "\n" + text
}

// Shell blocks name targets, scripts and tests that exist. make -n says so of a target
// and runs nothing; go list of a package.
func TestDocs_Shell(t *testing.T) {
	t.Parallel()
	check := func(line string, name string, args ...string) {
		cmd := exec.CommandContext(t.Context(), name, args...) //nolint:gosec // our own pages
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
	}
	for _, block := range docBlocks(t, "sh") {
		for line := range strings.SplitSeq(strings.TrimSpace(block.text), "\n") {
			command, _, _ := strings.Cut(line, " #")
			switch words := strings.Fields(command); words[0] {
			case "make":
				check(line, "sh", "-c", strings.Replace(command, "make", "make -n", 1))
			case "scripts/with-db.sh":
				check(line, "bash", "-n", words[0])
				check(line, "go", "list", words[len(words)-1])
			default:
				t.Errorf("%s: nobody checks %q", block.page, line)
			}
		}
	}
	targets := textOf(t, "../Makefile")
	for page, text := range docPages(t) {
		for _, quoted := range regexp.MustCompile("`make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			require.Contains(t, targets, "\n"+quoted[1]+":", page)
		}
	}
}

func TestDocs_SQL(t *testing.T) {
	t.Parallel()
	blocks := docBlocks(t, "sql")
	onEach(t, sqlEngines, func(t *testing.T, e engine) {
		_, db := e.open(t)
		for _, block := range blocks {
			require.NoError(t, db.Exec(block.text).Error, block.page)
		}
	})
}

// What the page tells Vitess is what scripts/vitess.sh tells it.
func TestDocs_Vitess(t *testing.T) {
	t.Parallel()
	page := textOf(t, "../docs/operations.md")
	shown := 0
	for language, ending := range map[string]string{"json": ".json", "mysql": ".sql"} {
		files, err := filepath.Glob("../docs/vitess/*" + ending)
		require.NoError(t, err)
		for _, file := range files {
			shown++
			require.Contains(t, page, "\n```"+language+"\n"+textOf(t, file)+"```\n", file)
		}
	}
	require.Equal(t, 5, shown)
}

// What nginx is told by the pages is valid, and lets a payload pass that nginx as it
// is shipped does not.
func TestDocs_Nginx(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed (Debian's package nginx-light): its blocks are not tried")
		}
	}
	svc, _ := newService(t, session.Config{})
	router := gin.New()
	router.POST("/login", func(c *gin.Context) {
		_, err := middleware.Create(c, svc, "ada", session.WithPayload(map[string]string{"roles": strings.Repeat("r", 2300)}))
		require.NoError(t, err)
	})
	app := httptest.NewServer(router)
	t.Cleanup(app.Close)
	behind, err := url.Parse(app.URL)
	require.NoError(t, err)
	for _, block := range docBlocks(t, "nginx") {
		location := strings.ReplaceAll(block.text, "127.0.0.1:8080", behind.Host)
		require.Equal(t, http.StatusOK, throughNginx(t, nginx, location))
		asShipped := regexp.MustCompile(`(?m)^ *proxy_buffer.*\n`).ReplaceAllString(location, "")
		require.Equal(t, http.StatusBadGateway, throughNginx(t, nginx, asShipped))
	}
}

// throughNginx signs in through an nginx with this location, and returns the status.
func throughNginx(t *testing.T, nginx, location string) int {
	t.Helper()
	dir, addr := t.TempDir(), freeAddress(t)
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp.WriteString(kind + "_temp_path " + filepath.Join(dir, kind) + ";\n")
	}
	write(t, dir, "nginx.conf", "daemon off;\nmaster_process off;\npid "+strconv.Quote(filepath.Join(dir, "pid"))+";\nerror_log stderr;\nevents {}\n"+
		"http {\naccess_log off;\n"+temp.String()+"server {\nlisten "+addr+";\n"+location+"}\n}\n")
	args := []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")}
	out, err := exec.CommandContext(t.Context(), nginx, append(args, "-t")...).CombinedOutput() //nolint:gosec // our own pages
	require.NoError(t, err, "%s", out)
	awaitAnswer(t, exec.CommandContext(t.Context(), nginx, args...), "http://"+addr+"/") //nolint:gosec // our own pages
	answer, err := http.Post("http://"+addr+"/login", "application/json", http.NoBody)   //nolint:noctx // it is on this machine
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}
