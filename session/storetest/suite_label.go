package storetest

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

func labelChecks() []check {
	return []check{
		{"SetLabel names the session and changes nothing else", labelSet},
		{"SetLabel reports true where the label is there already", labelAgain},
		{"SetLabel refuses a session that is not live", labelEnded},
		{"SetLabel refuses a session of somebody else, or of nobody", labelForeign},
	}
}

// labels are texts of which all are different, up to the longest.
func labels() []string {
	return []string{
		"kitchen", "Kitchen", "kitchen ", " kitchen", "", "'; --", `\`, `"`, "?", "%", "0", "null",
		"\u00e9", "e\u0301", "\u6f22\u5b57", "\U0001f98a", "\U0001f98b",
		strings.Repeat("x", models.MaxLabel), strings.Repeat("\U0001f98a", models.MaxLabel),
	}
}

func labelOf(row models.Session, label string) models.LabelWrite {
	return models.LabelWrite{Handle: row.Handle, UserID: row.UserID, Label: label, Now: during}
}

func labelSet(tr *trial) {
	row := tr.insert()
	twin := tr.insert(func(r *models.Session) { r.UserID = row.UserID })
	for _, label := range labels() {
		tr.requireMatch(true, label)(tr.store.SetLabel(tr.Context(), labelOf(row, label)))
		row.Label = label
		tr.requireStored(row, "label %q", label)
	}
	tr.requireStored(twin)
	list, err := tr.list(row.UserID)
	require.NoError(tr, err)
	require.Equal(tr, []string{row.Label, twin.Label}, []string{list[0].Label, list[1].Label}, "lists show it")
}

func labelAgain(tr *trial) {
	row := tr.insert()
	for _, label := range []string{row.Label, "hall", "hall", "hall", "", ""} {
		tr.requireMatch(true, label)(tr.store.SetLabel(tr.Context(), labelOf(row, label)))
	}
}

func labelEnded(tr *trial) {
	for _, end := range endings() {
		row := tr.insert(end.change)
		for _, label := range []string{"hall", row.Label} {
			tr.requireMatch(end.live, end.name)(tr.store.SetLabel(tr.Context(), labelOf(row, label)))
		}
		tr.requireStored(row, end.name)
	}
}

func labelForeign(tr *trial) {
	row := tr.insert(func(r *models.Session) { r.UserID = "bob" })
	for _, user := range []string{"alice", "Bob", "bob ", "bo", "", "bob\u200b"} {
		w := labelOf(row, "mine")
		w.UserID = user
		tr.requireMatch(false, user)(tr.store.SetLabel(tr.Context(), w))
	}
	for _, handle := range []string{tr.handle(), strings.ToLower(row.Handle), row.Handle + " ", ""} {
		w := labelOf(row, "mine")
		w.Handle = handle
		tr.requireMatch(false, handle)(tr.store.SetLabel(tr.Context(), w))
	}
	tr.requireStored(row)
}
