package load

import (
	"context"
	_ "embed" // for the script
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
	"github.com/gin-sessionkit/sessionkit/errors"
)

//go:embed login.lua
var loginScript []byte

// Gets asks who is signed in for d, whole seconds, with the given Cookie header.
// Any answer but a good one is an error.
func Gets(ctx context.Context, addr, cookies string, d time.Duration) (Result, error) {
	var args []string
	if cookies != "" {
		args = []string{"-H", "Cookie: " + cookies}
	}
	return wrk(ctx, d, append(args, "http://"+addr+servers.MePath)...)
}

// Logins signs in for d, whole seconds, one user after the other.
func Logins(ctx context.Context, addr string, d time.Duration) (Result, error) {
	dir, err := os.MkdirTemp("", "peers-wrk-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the temporary directory is swept anyway
	script := filepath.Join(dir, "login.lua")
	if err = os.WriteFile(script, loginScript, 0o600); err != nil {
		return Result{}, err
	}
	return wrk(ctx, d, "-s", script, "http://"+addr+servers.LoginPath)
}

func wrk(ctx context.Context, d time.Duration, args ...string) (Result, error) {
	args = append([]string{
		"-t1", "-c" + strconv.Itoa(Connections), fmt.Sprintf("-d%ds", int(d/time.Second)), "--latency",
	}, args...)
	out, err := exec.CommandContext(ctx, "wrk", args...).CombinedOutput()
	if err != nil {
		return Result{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return ParseWrk(string(out))
}

var (
	wrkTotal   = regexp.MustCompile(`(?m)^ *(\d+) requests in ([0-9.]+[a-z]+),`)
	wrkBad     = regexp.MustCompile(`(?m)^ *Non-2xx or 3xx responses: (\d+)`)
	wrkSockets = regexp.MustCompile(`(?m)^ *Socket errors: .*`)
	// wrkOnlyLate is of connections that held, on which answers came too late.
	wrkOnlyLate = regexp.MustCompile(`connect 0, read 0, write 0, timeout [1-9]`)
	wrkP50      = regexp.MustCompile(`(?m)^ *50% +([0-9.]+[a-z]+)`)
	wrkP99      = regexp.MustCompile(`(?m)^ *99% +([0-9.]+[a-z]+)`)
)

// ParseWrk reads what wrk --latency prints. Requests that failed or were
// refused make it an error: a fast refusal must not pass for a fast answer.
func ParseWrk(out string) (Result, error) {
	if bad := wrkBad.FindStringSubmatch(out); bad != nil {
		return Result{}, fmt.Errorf("wrk: %s answers were not good ones", bad[1])
	}
	if line := strings.TrimSpace(wrkSockets.FindString(out)); line != "" {
		if wrkOnlyLate.MatchString(line) {
			return Result{}, fmt.Errorf("%w: wrk: %s", ErrSilent, line)
		}
		return Result{}, errors.New("wrk: " + line)
	}
	total := wrkTotal.FindStringSubmatch(out)
	if total == nil {
		return Result{}, fmt.Errorf("wrk: no total in %q", out)
	}
	requests, err := strconv.Atoi(total[1])
	if err != nil {
		return Result{}, fmt.Errorf("wrk: %w", err)
	}
	if requests == 0 {
		return Result{}, fmt.Errorf("%w: wrk: %q", ErrSilent, out)
	}
	elapsed, err := time.ParseDuration(total[2])
	p50, err50 := time.ParseDuration(first(wrkP50, out))
	p99, err99 := time.ParseDuration(first(wrkP99, out))
	if err = errors.Join(err, err50, err99); err != nil {
		return Result{}, fmt.Errorf("wrk: %w", err)
	}
	return Result{Requests: requests, Elapsed: elapsed, P50: p50, P99: p99}, nil
}

// first is what the first group of pattern matches, or nothing.
func first(pattern *regexp.Regexp, out string) string {
	if found := pattern.FindStringSubmatch(out); found != nil {
		return found[1]
	}
	return ""
}
