package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// CPU is processor time on the two cores of a measurement.
type CPU struct {
	// Server is the time that the server's threads ran.
	Server time.Duration
	// BesideServer is the rest of the time in which its core did not idle: other
	// processes, other guests of the hypervisor.
	BesideServer time.Duration
	// BesideLoad is the same on the other core, whose rightful users are this
	// process, wrk and the database.
	BesideLoad time.Duration
}

// Meter knows who ought to be on which core.
type Meter struct {
	ServerCore, LoadCore int
	Database             int // its process id
}

// Read is the time since the machine and the processes started; only
// differences mean something. What others have is counted in steps of 10 ms.
func (m Meter) Read(server int) (CPU, error) {
	used, err := timeOf(server)
	if err != nil {
		return CPU{}, err
	}
	busy, err := busyTime(m.ServerCore)
	if err != nil {
		return CPU{}, err
	}
	database, err := timeOf(m.Database)
	if err != nil {
		return CPU{}, err
	}
	loadBusy, err := busyTime(m.LoadCore)
	if err != nil {
		return CPU{}, err
	}
	own, err := ownTime()
	return CPU{Server: used, BesideServer: busy - used, BesideLoad: loadBusy - database - own}, err
}

// Sub is the time since earlier.
func (c CPU) Sub(earlier CPU) CPU {
	return CPU{
		Server:       c.Server - earlier.Server,
		BesideServer: max(0, c.BesideServer-earlier.BesideServer),
		BesideLoad:   max(0, c.BesideLoad-earlier.BesideLoad),
	}
}

// ownTime is that of this process and of its children that have ended, each wrk.
func ownTime() (time.Duration, error) {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			return 0, err
		}
		total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return total, nil
}

// timeOf sums up the threads of a process, as the scheduler counts, in ns.
func timeOf(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a thread that ended
		}
		if err != nil {
			return 0, err
		}
		var ran int64
		if _, err = fmt.Sscan(string(text), &ran); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		total += time.Duration(ran)
	}
	return total, nil
}

// tick is the unit of /proc/stat: USER_HZ is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

// busyTime is how long a core has not been idle.
func busyTime(core int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		// user nice system idle iowait irq softirq steal; the rest is part of user and nice
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != "cpu"+strconv.Itoa(core) {
			continue
		}
		var total time.Duration
		for i, field := range fields[1:9] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/stat: %w", err)
			}
			if i != 3 && i != 4 {
				total += time.Duration(n) * tick
			}
		}
		return total, nil
	}
	return 0, fmt.Errorf("no core %d", core)
}
