package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// The environment tells where the server is: a DSN on a command line could be read
// by every user of the machine.
const (
	envDSN      = "SESSIONKIT_SCALE_DSN"
	envAdminDSN = "SESSIONKIT_SCALE_ADMIN_DSN"
)

// settings are the flags.
type settings struct {
	dsn, adminDSN, params string
	sizes, keyed          []int
	sharded               bool
	seed                  uint64
	workers               int
	warm, slice, measure  time.Duration

	cleanup                     int
	cleanupBefore, cleanupLimit time.Duration

	keySlice  time.Duration
	keyRounds int
	smallPool int // MiB

	out, dataDir string
}

func parseSettings(args []string) (settings, error) {
	s := settings{dsn: os.Getenv(envDSN), adminDSN: os.Getenv(envAdminDSN)}
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.Func("sizes", "sessions to measure at, ascending (default 10000,1000000,10000000)", intoList(&s.sizes))
	f.Func("pk", "sizes at which the layouts are compared, or none (default 1000000 if it is one of the sizes)", intoList(&s.keyed))
	f.BoolVar(&s.sharded, "sharded", false, "measure the layout of gormstore.Config{Sharded: true}")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the loaded rows")
	f.IntVar(&s.workers, "workers", 8, "concurrent workers")
	f.DurationVar(&s.warm, "warm", 15*time.Second, "time before measuring, at each size and for each of the two tables")
	f.DurationVar(&s.measure, "measure", 90*time.Second, "time of measuring, the same")
	f.DurationVar(&s.slice, "slice", 5*time.Second, "time of one turn on one of the two tables")
	f.IntVar(&s.cleanup, "cleanup", 1_000_000, "expired sessions to clean up at the largest size, at most half of it; 0 = none")
	f.DurationVar(&s.cleanupBefore, "cleanup-before", 30*time.Second, "time of measuring before the cleanup")
	f.DurationVar(&s.cleanupLimit, "cleanup-limit", 10*time.Minute, "end of the cleanup")
	f.DurationVar(&s.keySlice, "pk-slice", 5*time.Second, "time of inserting, and of using loaded rows, in one turn of the comparison of layouts")
	f.IntVar(&s.keyRounds, "pk-rounds", 6, "turns of each table in that comparison")
	f.IntVar(&s.smallPool, "pk-pool", 256, "MiB of a buffer pool to compare the layouts with too; 0 = none; needs "+envAdminDSN)
	f.StringVar(&s.params, "params", "", "parameters to add to the DSN, such as interpolateParams=true")
	f.StringVar(&s.out, "out", "", "folder for scale.txt, scale.md and scale.svg (scale-sharded.txt and so on); none are written without it")
	f.StringVar(&s.dataDir, "datadir", "", "folder of the server's data on this machine, to look whether the space suffices")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if len(s.sizes) == 0 {
		s.sizes = []int{10_000, 1_000_000, 10_000_000}
	}
	if s.keyed == nil && slices.Contains(s.sizes, 1_000_000) {
		s.keyed = []int{1_000_000}
	}
	s.cleanup = min(s.cleanup, s.largest()/2)
	return s, s.check()
}

// layout is that of the table that grows.
func (s settings) layout() layout {
	if s.sharded {
		return byHome
	}
	return byTime
}

// file is the name of a file of the report, without its ending.
func (s settings) file() string {
	if s.sharded {
		return "scale-sharded"
	}
	return "scale"
}

// intoList parses numbers with commas between; none is an empty list.
func intoList(list *[]int) func(string) error {
	return func(text string) error {
		*list = []int{}
		if text == "none" {
			return nil
		}
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				return err
			}
			*list = append(*list, n)
		}
		return nil
	}
}

func (s settings) check() error {
	if s.dsn == "" {
		return errors.New(envDSN + " is not set; make bench-scale sets it to a server of its own")
	}
	if s.workers < 1 || s.keyRounds < 1 || s.slice <= 0 {
		return errors.New("-workers, -pk-rounds and -slice must be at least 1")
	}
	last := 0
	for _, size := range s.sizes {
		// Each worker needs a user with 20 sessions of its own, and those have a tenth of the rows.
		if least := 10 * heavy * s.workers; size-last < least {
			return fmt.Errorf("-sizes: each must be %d larger than the one before it, and so must the first", least)
		}
		last = size
	}
	for _, size := range s.keyed {
		if !slices.Contains(s.sizes, size) {
			return fmt.Errorf("-pk: %d is none of the sizes", size)
		}
	}
	return nil
}

func (s settings) largest() int { return s.sizes[len(s.sizes)-1] }

// bytesPerRow and bytesBeside estimate the disk: rows with all indexes, as measured, and what
// the server keeps beside its tables.
const (
	bytesPerRow = 1000
	bytesBeside = 3 << 30
)

// disk is how many bytes the run needs about.
func (s settings) disk() int64 {
	need := int64(bytesBeside) + bytesPerRow*int64(s.largest())
	if len(s.keyed) > 0 {
		// Splits at random places leave pages half empty.
		need += int64(layouts-1) * 3 * bytesPerRow / 2 * int64(slices.Max(s.keyed))
	}
	return need
}

// checkDisk compares that with what is free, if it can tell, and says how much that is.
func (s settings) checkDisk() (need int64, free string, err error) {
	need = s.disk()
	if s.dataDir == "" {
		return need, "", nil
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(s.dataDir, &stat); err != nil {
		return need, "", err
	}
	available := int64(stat.Bavail) * stat.Bsize
	free = ", " + gigabytes(available) + " are free"
	if available < need {
		return need, free, fmt.Errorf("the run needs about %s on disk%s", gigabytes(need), free)
	}
	return need, free, nil
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
