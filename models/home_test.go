package models_test

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/models"
)

// Rows lie by it for ever: what it is made of is written here a second time.
func TestHomeOf(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"", "alice", "Alice", strings.Repeat("é", 500)} {
		sum := sha256.Sum256([]byte("sessionkit user home v1\x00" + user))
		require.EqualValues(t, binary.BigEndian.Uint16(sum[:2]), models.HomeOf(user))
	}
	require.Equal(t, models.Home(0xc825), models.HomeOf("alice"))
}

// Users are spread over all slices alike: 65,536 of them, within seven standard
// deviations.
func TestHomesAreSpread(t *testing.T) {
	t.Parallel()
	var count [models.HomeSlices]int
	for i := range 1 << 16 {
		count[models.HomeOf(strconv.Itoa(i)).Slice()]++
	}
	for slice, n := range count {
		require.InDelta(t, 4096, n, 7*62, "slice %d", slice)
	}
	for home := range 1 << 16 {
		require.Equal(t, home*models.HomeSlices/(1<<16), models.Home(home).Slice())
	}
}

func TestHomeOfHandle(t *testing.T) {
	t.Parallel()
	const rest = "0000000000000000000000000000"
	for handle, want := range map[string]models.Home{
		"0000" + rest: 0, "000g" + rest: 1, "vvvg" + rest: 0xFFFF, "vvvv" + rest: 0xFFFF, "1000" + rest: 0x0800,
		"0001" + rest: 0, "1234Z\n" + rest[2:]: 0x0886,
	} {
		home, ok := models.HomeOfHandle(handle)
		require.True(t, ok, handle)
		require.Equal(t, want, home, handle)
	}
	for _, handle := range []string{
		"", "0000", rest, "0000" + rest[1:], "00000" + rest, "06dndml8fcn9lkj8h1a1k5312s", "VVVV" + rest, "w000" + rest,
		"\n000" + rest, "000\r" + rest, "00\n\n" + rest, "0\r\n0" + rest, strings.Repeat("\n", 32), "=000" + rest,
	} {
		_, ok := models.HomeOfHandle(handle)
		require.False(t, ok, "%q", handle)
	}
}
