package gormstore_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/schema"

	"github.com/gin-sessionkit/sessionkit/models"
	"github.com/gin-sessionkit/sessionkit/models/gormstore"
)

// The tags of the models are for applications that read the tables themselves.
// They name the columns that the statements do, whatever the naming strategy.
func TestTagsNameTheColumns(t *testing.T) {
	t.Parallel()
	sessions, keys := gormstore.Columns()
	for columns, model := range map[string]any{sessions: &models.Session{}, keys: &models.SigningKey{}} {
		parsed, err := schema.Parse(model, &sync.Map{}, schema.NamingStrategy{NoLowerCase: true, TablePrefix: "x"})
		require.NoError(t, err)
		require.ElementsMatch(t, strings.Split(columns, ", "), parsed.DBNames)
	}
}
