package histories_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// Sizes. A plain `go test` does quickHistories of 200 steps on the in-memory store
// and on MySQL or MariaDB, and a part of them on the slower engines. `make faults` does
// 1,000 on each engine. SESSIONKIT_HISTORIES=10000 is the size for a night;
// -rapid.checks and -rapid.steps go before all of that.
const (
	envHistories   = "SESSIONKIT_HISTORIES"
	quickHistories = 200
	steps          = 200
)

func checks() int {
	n, _ := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	return n
}

// quick is the size of a plain `go test`.
func quick() bool { return checks() <= quickHistories }

// TestMain makes histories longer than rapid does by itself, unless the command
// line or the environment says how many there shall be.
func TestMain(m *testing.M) {
	flag.Parse()
	given := make(map[string]bool)
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{
		"rapid.checks": cmp.Or(os.Getenv(envHistories), strconv.Itoa(quickHistories)),
		"rapid.steps":  strconv.Itoa(steps),
	} {
		if given[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, name, "or", envHistories+":", err)
			os.Exit(2)
		}
	}
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections are cut on purpose
	goleak.VerifyTestMain(m)
}
