package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// diagnosing is a Store that knows what to look at in its database.
type diagnosing interface {
	Diagnose(ctx context.Context) models.Diagnosis
}

// doctorTimeout bounds all that Doctor asks.
const doctorTimeout = 10 * time.Second

// From so far apart on, a clock is worth a warning, and then an error: tokens of
// another instance would be from the future.
const (
	skewWarning = 2 * time.Second
	skewError   = time.Minute
)

// Doctor looks at the set-up and returns what is wrong with it, the worst first, and
// nothing when all is well: tables and rights, a replica in the DSN, the database's
// clock, prepared statements, the signing keys, the feed. addresses are those that
// browsers reach the service under, such as "https://app.example": each is held
// against the settings of the cookies.
//
// It takes some twenty statements, changes nothing, and ends after 10 s. What cannot be
// looked at is a finding too, but for what a database does not tell. Findings are for
// operators and hold no secret. A service that does not start says why by the error of
// [New]. A store of your own is asked too if it has the method Diagnose of
// gormstore.Store.
func (s *Service) Doctor(ctx context.Context, addresses ...string) []models.Finding {
	if err := s.checkOpen(); err != nil {
		return []models.Finding{{
			Severity: models.SeverityError, About: "service", Problem: err.Error(), Remedy: "make a new one by session.New",
		}}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var list []models.Finding
	if s.diagnoses != nil {
		seen := s.diagnoses.Diagnose(ctx)
		list = slices.Concat(seen.Findings, clockFindings(seen))
	}
	list = slices.Concat(list, s.keyFindings(ctx), s.feedFindings())
	for _, address := range addresses {
		if s.cfg.FrontEnds.Carriers == CarriersHeader {
			break // there are no cookies
		}
		list = append(list, s.cfg.addressFindings(address)...)
	}
	slices.SortStableFunc(list, func(a, b models.Finding) int {
		return cmp.Compare(a.Severity, b.Severity) // "error" is before "warning"
	})
	return list
}

// clockFindings compares the database's clock with this machine's. Sessions go by the
// latter; but where the two differ, so may those of two instances.
func clockFindings(d models.Diagnosis) []models.Finding {
	if d.Clock == 0 {
		return nil
	}
	// It was read between the two: only what lies outside is certain.
	clock := time.UnixMilli(d.Clock)
	skew := max(clock.Sub(d.Answered), d.Asked.Sub(clock))
	if skew < skewWarning {
		return nil
	}
	return []models.Finding{{
		Severity: severityIf(skew >= skewError), About: "clock",
		Problem: fmt.Sprintf("the clocks of this machine and of the database are %v apart", skew.Round(100*time.Millisecond)),
		Remedy:  "keep both by NTP: all instances must agree within a minute, and within Config.ConcurrentRefreshWindow where that is set",
	}}
}

func severityIf(wrong bool) models.Severity {
	if wrong {
		return models.SeverityError
	}
	return models.SeverityWarning
}

// feedFindings is how far behind this process is.
func (s *Service) feedFindings() []models.Finding {
	lag, within := s.RevocationLag(), s.cfg.Feed.Within
	if lag <= within {
		return nil
	}
	return []models.Finding{{
		Severity: severityIf(s.cfg.Revocation == RevokeSoon), About: "feed",
		Problem: fmt.Sprintf("this process has heard of no revocation for %v, and Config.Feed.Within promises %v", lag.Round(100*time.Millisecond), within),
		Remedy:  "look for errors of the database in the log; a longer Within asks it less often",
	}}
}

// keyFindings reads the rows of the signing keys anew.
func (s *Service) keyFindings(ctx context.Context) (list []models.Finding) {
	report, err := s.keys.Examine(ctx)
	if err != nil {
		return []models.Finding{{
			Severity: models.SeverityError, About: "keys", Problem: "the rows of the signing keys cannot be read: " + err.Error(),
			Remedy: "look at the database; sessions go on with the keys that are known",
		}}
	}
	for _, row := range report.Unreadable {
		// Without an access key a client refreshes; without a refresh key it can do nothing.
		list = append(list, models.Finding{
			Severity: severityIf(row.Purpose == models.KeyForRefresh), About: "keys",
			Problem: fmt.Sprintf("signing key %q for %s tokens is of no use here: %s", row.ID, row.Purpose, row.Reason),
			Remedy:  "give every instance all keys of SigningKey.Encryption and the one Issuer; delete a row that somebody else wrote",
		})
	}
	if report.Clear > 0 {
		list = append(list, models.Finding{
			Severity: models.SeverityWarning, About: "keys",
			Problem: fmt.Sprintf("%d signing keys are stored in clear: whoever reads their table can sign in as anybody", report.Clear),
			Remedy:  "set SigningKey.Encryption, and SigningKey.AllowClearKeys for the one start that encrypts the rows that are there",
		})
	}
	for _, old := range report.Overdue {
		list = append(list, models.Finding{
			Severity: models.SeverityWarning, About: "keys",
			Problem: fmt.Sprintf("a key has signed %s tokens for %v, and SigningKey.Rotation is %v", old.Purpose, old.Age.Round(time.Minute), old.Rotation),
			Remedy:  "look in the log for why no new key could be stored",
		})
	}
	return list
}
