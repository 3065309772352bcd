package histories_test

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// registerRounds is how many sessions are recorded per engine and mode: in
// proportion to the histories asked for.
func registerRounds() int {
	checks, _ := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	return max(1, checks/2)
}

// TestMain makes histories longer and fewer than rapid does by itself, unless
// the command line says how many there shall be.
func TestMain(m *testing.M) {
	flag.Parse()
	given := make(map[string]bool)
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "40", "rapid.steps": "80"} {
		if !given[name] {
			if err := flag.Set(name, value); err != nil {
				os.Exit(2)
			}
		}
	}
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections are cut on purpose
	goleak.VerifyTestMain(m)
}
