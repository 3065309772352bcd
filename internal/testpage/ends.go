package testpage

import "time"

// IdleEnd is the end of a session of that idle length which was used at the given
// time: on the grid of a 64th of the length, counted from 1970.
func IdleEnd(use time.Time, idle time.Duration) time.Time {
	step := idle.Milliseconds() / 64
	return time.UnixMilli(use.Add(idle).UnixMilli() / step * step)
}
