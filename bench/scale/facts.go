package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// fact is something to know about a run.
type fact struct{ name, value string }

// facts describe the machine, the server and the run.
func (b *bed) facts(ctx context.Context, s settings) ([]fact, error) {
	facts := []fact{
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"machine", fmt.Sprintf("%s, %d cores, %s", field("/proc/cpuinfo", "model name"), runtime.NumCPU(), memory())},
		{"client", fmt.Sprintf("%s on the same machine, %d workers, TCP on loopback%s", runtime.Version(), s.workers, prefixed(", DSN with ", s.params))},
	}
	facts = append(facts, fact{"layout", s.layout().describe()})
	var version string
	if err := b.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return nil, err
	}
	facts = append(facts, fact{"server", version})
	var values []string
	for _, name := range []string{
		"innodb_buffer_pool_size", "innodb_log_file_size", "innodb_redo_log_capacity", "innodb_flush_log_at_trx_commit",
		"innodb_flush_method", "innodb_doublewrite", "innodb_io_capacity", "innodb_io_capacity_max", "sync_binlog", "log_bin", "tx_isolation",
	} {
		value, err := b.variable(ctx, name)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(name, "_size") || strings.HasSuffix(name, "_capacity") && len(value) > 6 {
			value = inBytes(value)
		}
		if value != "" {
			values = append(values, name+"="+value)
		}
	}
	return append(facts, fact{"settings", strings.Join(values, ", ")}), nil
}

// field is a value of a file of the form "name : value".
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() string {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64)
	if err != nil {
		return "unknown memory"
	}
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

// inBytes makes a number of bytes readable.
func inBytes(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return value
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
