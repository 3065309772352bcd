package session

import (
	"context"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// SetLabel gives the session named by handle, if it is the user's and lives, a name of
// the user's own for device lists, such as "kitchen tablet"; the empty one takes it
// away. It reports whether there is such a session, true also where it has this label
// already. Whose the session is, the statement itself asks: a session of somebody else,
// one that does not exist and one that has ended are all false.
//
// A label is up to [models.MaxLabel] (64) characters of UTF-8 without control
// characters, line separators and characters that turn the direction of the text
// around them. It is stored as it is and may look like HTML: pages escape it.
//
// Errors: [errors.ErrInvalidInput] for another label or for a user id that no session
// can have; nothing was stored then. [errors.ErrUnavailable], [errors.ErrGeneral].
// Calling again is harmless.
func (s *Service) SetLabel(ctx context.Context, userID, handle, label string) (bool, error) {
	if err := s.checkOpen(); err != nil {
		return false, err
	}
	if err := checkUserID(userID); err != nil {
		return false, err
	}
	if err := checkLabel(label); err != nil {
		return false, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.store.SetLabel(ctx, models.LabelWrite{Handle: handle, UserID: userID, Label: label, Now: s.now()})
}

func checkLabel(label string) error {
	// The length in bytes first: of a text that is far too long nothing is looked at.
	if len(label) > utf8.UTFMax*models.MaxLabel || utf8.RuneCountInString(label) > models.MaxLabel {
		return invalidInput(fmt.Errorf("label of more than %d characters", models.MaxLabel))
	}
	if !utf8.ValidString(label) {
		return invalidInput(errors.New("label that is not UTF-8"))
	}
	for _, r := range label {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || turnsText(r) {
			return invalidInput(fmt.Errorf("label with the control character %U", r))
		}
	}
	return nil
}

// turnsText reports whether r is one of the embeddings, overrides and isolates of the
// bidirectional algorithm (UAX 9, section 2): left open, they turn what a page writes
// after the label. The marks of a direction, U+200E and U+200F, touch nothing else.
func turnsText(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
