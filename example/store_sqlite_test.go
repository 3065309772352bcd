//go:build sqlite

package main

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A session in a SQLite file outlives the program.
func TestSQLite_Restart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions.db")
	var ada *client
	t.Run("signs in", func(t *testing.T) {
		ada = newClient(t, startProgram(t, "-sqlite", file))
		ada.login("ada")
	})
	t.Run("is still in", func(t *testing.T) {
		ada.t, ada.url = t, startProgram(t, "-sqlite", file)
		ada.want(200, "", http.MethodGet, "/api/me", "")
		ada.want(200, "null", http.MethodPost, "/auth/session/refresh", "")
	})
}

func TestSQLite_NoFolder(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	file := filepath.Join(t.TempDir(), "absent", "sessions.db")
	err := run(ctx, []string{"-addr", "127.0.0.1:0", "-sqlite", file}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-sqlite")
}
