//go:build e2e

package browser_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// table says what was told and how it went, one line for each setting. go test
// itself says nothing of what passed.
type table struct {
	mu   sync.Mutex
	rows []row
}

type row struct{ name, text string }

// start adds the line of a setting once its stories have been told. The caller
// counts those that came to their end.
func (r *table) start(t *testing.T) (told *atomic.Int64) {
	t.Helper()
	begin, told := time.Now(), new(atomic.Int64)
	t.Cleanup(func() {
		verdict := "ok"
		if t.Failed() {
			verdict = "FAILED"
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.rows = append(r.rows, row{t.Name(), fmt.Sprintf("%-6s  %2d stories told  %3.0fs  %s\n",
			verdict, told.Load(), time.Since(begin).Seconds(), t.Name())})
	})
	return told
}

// write puts the table beside the screenshots.
func (r *table) write() error {
	if err := os.MkdirAll(artifacts(), 0o750); err != nil {
		return err
	}
	slices.SortFunc(r.rows, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	var text strings.Builder
	for _, row := range r.rows {
		text.WriteString(row.text)
	}
	return os.WriteFile(filepath.Join(artifacts(), "table.txt"), []byte(text.String()), 0o600)
}
