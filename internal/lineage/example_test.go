package lineage_test

import (
	"fmt"

	"github.com/gin-sessionkit/sessionkit/internal/lineage"
	"github.com/gin-sessionkit/sessionkit/models"
)

// A child becomes current by its first use; from then on its parent is theft.
func Example() {
	parent := lineage.Token{Hash: models.Hash{1}, Gen: 0, Iat: 1_000}
	child := lineage.Token{Hash: models.Hash{2}, Parent: parent.Hash, Gen: 1, Iat: 500_000}
	row := lineage.Row{Live: true, Cur: parent.Hash, CurIat: parent.Iat}
	const now, strict = 600_000, 0

	fmt.Println("the parent again:", lineage.OnRefresh(row, parent, now, strict) == lineage.Mint)
	fmt.Println("the child:", lineage.OnRefresh(row, child, now, strict) == lineage.Advance)

	step := lineage.Step(lineage.Advance, row, child)
	row = lineage.Row{Live: true, Cur: step.To, Prev: step.Previous, CurIat: step.IssuedAt, Gen: step.Generation}
	fmt.Println("the parent after that:", lineage.OnRefresh(row, parent, now, strict) == lineage.Theft)
	// Output:
	// the parent again: true
	// the child: true
	// the parent after that: true
}
