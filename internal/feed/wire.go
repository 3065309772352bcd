package feed

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/models"
)

// MaxPageBytes bounds the text of a page: a thousand hints, whose subjects and owners
// need six bytes for each of theirs at worst.
const MaxPageBytes = 4 << 20

// wirePage is a page of the feed between two services.
type wirePage struct {
	Clock int64      `json:"clock"`
	Next  string     `json:"next,omitempty"`
	Hints []wireHint `json:"hints"`
}

type wireHint struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Subject string `json:"subject,omitempty"`
	Owner   string `json:"owner,omitempty"`
	At      int64  `json:"at"`
}

// EncodePage writes a page as JSON.
func EncodePage(page models.FeedPage) ([]byte, error) {
	out := wirePage{Clock: page.Clock, Hints: make([]wireHint, 0, len(page.Hints))}
	if page.Next != nil {
		out.Next = FormatPosition(*page.Next)
	}
	for i := range page.Hints {
		h := &page.Hints[i]
		out.Hints = append(out.Hints, wireHint{hex.EncodeToString(h.ID[:]), string(h.Kind), h.Subject, h.Owner, h.At})
	}
	return json.Marshal(out)
}

var errNoPage = errors.New("no page of a feed")

// DecodePage reads what EncodePage wrote. Kinds of later versions pass.
func DecodePage(data []byte) (page models.FeedPage, err error) {
	var in wirePage
	if err := json.Unmarshal(data, &in); err != nil || in.Clock <= 0 || in.Hints == nil {
		return page, errNoPage
	}
	page.Clock = in.Clock
	if in.Next != "" {
		next, err := ParsePosition(in.Next)
		if err != nil || len(in.Hints) == 0 {
			return page, errNoPage
		}
		page.Next = &next
	}
	for _, h := range in.Hints {
		id, ok := parseHintID(h.ID)
		if !ok || h.Kind == "" || len(h.Subject) > models.MaxUserID || len(h.Owner) > models.MaxUserID {
			return page, errNoPage
		}
		page.Hints = append(page.Hints, models.Hint{ID: id, Kind: models.HintKind(h.Kind), Subject: h.Subject, Owner: h.Owner, At: h.At})
	}
	return page, nil
}

// FormatPosition writes a place in the feed: milliseconds, and the id after a dot.
func FormatPosition(p models.FeedPosition) string {
	text := strconv.FormatInt(max(p.At, 0), 10)
	if p.ID != (models.HintID{}) {
		text += "." + hex.EncodeToString(p.ID[:])
	}
	return text
}

// ParsePosition reads what FormatPosition wrote. The id may be left out.
func ParsePosition(text string) (p models.FeedPosition, err error) {
	at, id, hasID := strings.Cut(text, ".")
	n, err := strconv.ParseUint(at, 10, 63)
	if err != nil || len(at) > 19 {
		return p, fmt.Errorf("%w: not a place in it", errNoPage)
	}
	p.At = int64(n) // of 63 bits
	if hasID {
		var ok bool
		if p.ID, ok = parseHintID(id); !ok {
			return p, fmt.Errorf("%w: not a place in it", errNoPage)
		}
	}
	return p, nil
}

func parseHintID(text string) (id models.HintID, ok bool) {
	if len(text) != hex.EncodedLen(len(id)) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err == nil
}
