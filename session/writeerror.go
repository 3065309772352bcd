package session

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/page"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
)

// retryAfter is what a client is asked to wait, in seconds, before it tries
// again to reach a database that is failing over.
const retryAfter = "1"

// WriteError answers a request with what err means: the status and body of the
// table in package errors. It tells no reason. An error that is not the kit's
// is an internal error. Those of VerifyPage, RefreshPage and SignOutPage are answered
// by redirects and by pages of HTML.
func (s *Service) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	if to, ok := errors.AsType[*elsewhere](err); ok {
		// 307 keeps the method (RFC 9110, section 15.4.8).
		wire.NoStore(w.Header())
		w.Header().Set("Location", to.to)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	if a, ok := errors.AsType[*page.Answer](err); ok && s.writePage(w, r, a) {
		return
	}
	status, body := s.answerFor(r, err)
	s.writeAnswer(w, r, status, "application/json; charset=utf-8", body, err)
}

func (s *Service) writeAnswer(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte, err error) {
	h := w.Header()
	h.Del("Content-Length") // of what a handler meant to send
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	wire.NoStore(h)
	stepUp := stepUpChallenge(err)
	switch {
	case stepUp != "":
		wire.Challenge(h, stepUp)
	case status == http.StatusUnauthorized:
		wire.Challenge(h, challenge(err))
	case status == http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter)
	}
	if status >= http.StatusInternalServerError {
		s.failed(r, status, err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON or HTML made here, sent as such
}

// challenge is the duty of a 401 (RFC 9110, section 15.5.2; RFC 6750, section 3).
// Browsers show no dialogue for this scheme.
func challenge(err error) string {
	if errors.Is(err, errors.ErrTokenMissing) {
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

// answerFor is the table of errors and answers. The more special class comes first.
func (s *Service) answerFor(r *http.Request, err error) (status int, body []byte) {
	switch {
	case errors.Is(err, errors.ErrTokenTheft):
		return s.expiredStatus(r), []byte(`{"message":"token theft detected"}`)
	case errors.Is(err, errors.ErrUnauthorised):
		return s.expiredStatus(r), []byte(`{"message":"unauthorised"}`)
	case errors.Is(err, errors.ErrTryRefreshToken):
		return s.expiredStatus(r), []byte(`{"message":"try refresh token"}`)
	case errors.Is(err, errors.ErrCrossOrigin):
		return http.StatusForbidden, []byte(`{"message":"cross-origin request refused"}`)
	case errors.Is(err, errors.ErrStepUp) && s.cfg.StepUp == StepUpRFC9470:
		return http.StatusUnauthorized, invalidClaimBody(err)
	case errors.Is(err, errors.ErrInvalidClaim):
		return s.cfg.InvalidClaimStatus, invalidClaimBody(err)
	case errors.Is(err, errors.ErrSessionLimit):
		return http.StatusConflict, sessionLimitBody(err)
	case errors.Is(err, errors.ErrUnavailable):
		return http.StatusServiceUnavailable, []byte(`{"message":"unavailable"}`)
	default:
		return http.StatusInternalServerError, []byte(`{"message":"internal error"}`)
	}
}

func (s *Service) expiredStatus(r *http.Request) int {
	if s.cfg.SessionExpiredStatusFor != nil {
		if status := s.cfg.SessionExpiredStatusFor(r); status >= 400 && status <= 499 &&
			status != s.cfg.InvalidClaimStatus && status != http.StatusForbidden &&
			(status != http.StatusConflict || !s.cfg.MaxSessions.refuses()) {
			return status
		}
	}
	return s.cfg.SessionExpiredStatus
}

// invalidClaimBody lists the failures as front ends read them.
func invalidClaimBody(err error) []byte {
	failures := []errors.ClaimFailure{}
	if claim, ok := errors.AsType[*errors.ClaimError](err); ok && claim.Failures != nil {
		failures = claim.Failures
	}
	body, err := json.Marshal(map[string]any{"message": "invalid claim", "claimValidationErrors": failures})
	if err != nil {
		// A reason that is no JSON must not turn a refusal into anything else.
		return []byte(`{"message":"invalid claim","claimValidationErrors":[]}`)
	}
	return body
}

// sessionLimitBody lists the sessions for a page that lets the user choose one.
func sessionLimitBody(err error) []byte {
	type entry struct {
		Handle     string `json:"handle"`
		CreatedAt  int64  `json:"createdAt"` // milliseconds
		LastUsedAt int64  `json:"lastUsedAt"`
		UserAgent  string `json:"userAgent"`
		IP         string `json:"ip"`
		Label      string `json:"label"`
	}
	body := struct {
		Message  string  `json:"message"`
		Limit    int     `json:"limit"`
		Sessions []entry `json:"sessions"`
	}{Message: "session limit reached", Sessions: []entry{}}
	if limit, ok := errors.AsType[*errors.SessionLimitError](err); ok {
		body.Limit = limit.Limit
		for _, o := range limit.Sessions {
			body.Sessions = append(body.Sessions, entry{o.Handle, o.CreatedAt.UnixMilli(), o.LastUsedAt.UnixMilli(), o.UserAgent, o.IP, o.Label})
		}
	}
	text, _ := json.Marshal(body) // texts and numbers
	return text
}

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

// failed logs what is answered by 500 or 503, at most once a second, with the number
// of those before it that were not logged.
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

// loggedPath is the path of r without what may be a handle or a secret in it: the
// short parts tell which route it is.
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
