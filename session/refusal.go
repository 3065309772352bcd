package session

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// refused tells the application of a request that gets no session: Config.OnRefusal
// counts, the log has the reason at Debug. Neither has a token or a handle in it.
func (s *Service) refused(r *http.Request, err error) {
	ctx := r.Context()
	if s.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "sessionkit: request refused",
			slog.String("method", boundedText(r.Method, 16)), slog.String("path", loggedPath(r)), slog.Any("error", err))
	}
	if s.cfg.OnRefusal == nil {
		return
	}
	defer func() {
		if recover() != nil {
			s.cfg.Logger.LogAttrs(ctx, slog.LevelError, "sessionkit: Config.OnRefusal panicked")
		}
	}()
	s.cfg.OnRefusal(r, err)
}

// failureRest is how long one failure in the log speaks for those after it.
const failureRest = time.Second

// failed logs what is answered by 500 or 503, at most once a second, with the number of
// those before it that were not logged.
func (s *Service) failed(r *http.Request, status int, err error) {
	s.unlogged.Add(1)
	now, last := s.now(), s.failedAt.Load()
	if rest := now - last; rest >= 0 && rest < failureRest.Milliseconds() || !s.failedAt.CompareAndSwap(last, now) {
		return
	}
	s.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "sessionkit: a request failed",
		slog.Int("status", status), slog.Int64("count", s.unlogged.Swap(0)),
		slog.String("method", boundedText(r.Method, 16)), slog.String("path", loggedPath(r)), slog.Any("error", err))
}

// loggedPath is the path of r without what may be a handle or a secret in it: the short
// parts tell which route it is.
func loggedPath(r *http.Request) string {
	const longest = 20 // a handle has 26 characters
	parts := strings.Split(boundedText(r.URL.Path, 256), "/")
	for i, part := range parts {
		if len(part) > longest {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
