package load

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// CPU is processor time of a process since its start.
type CPU struct {
	// Used is time on a core, Waited time in which a thread was ready to run and
	// its core was busy with another thread.
	Used, Waited time.Duration
}

// CPUOf sums up the threads of a process, as the kernel's scheduler counts.
func CPUOf(pid int) (CPU, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return CPU{}, err
	}
	var total CPU
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a thread that ended
		}
		if err != nil {
			return CPU{}, err
		}
		var used, waited int64
		if _, err = fmt.Sscan(string(text), &used, &waited); err != nil {
			return CPU{}, fmt.Errorf("%s: %w", file, err)
		}
		total.Used += time.Duration(used)
		total.Waited += time.Duration(waited)
	}
	return total, nil
}

// Sub is the time since earlier.
func (c CPU) Sub(earlier CPU) CPU {
	return CPU{Used: c.Used - earlier.Used, Waited: c.Waited - earlier.Waited}
}
