package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/bench/peers/load"
	"github.com/gin-sessionkit/sessionkit/bench/peers/report"
	"github.com/gin-sessionkit/sessionkit/errors"
)

func TestInsist(t *testing.T) {
	t.Parallel()
	wrong := errors.New("a wrong answer")
	silent := fmt.Errorf("%w: 0 requests", load.ErrSilent)
	for name, tt := range map[string]struct {
		outcomes []error
		repeats  int
		want     error
	}{
		"answers":                {[]error{nil}, 0, nil},
		"silent once":            {[]error{silent, nil}, 1, nil},
		"silent three times":     {[]error{silent, silent, silent, nil}, 3, nil},
		"silent for good":        {[]error{silent, silent, silent, silent}, 3, load.ErrSilent},
		"wrong":                  {[]error{wrong}, 0, wrong},
		"silent, and then wrong": {[]error{silent, wrong}, 1, wrong},
	} {
		asked := 0
		sample, err := insist(func() (report.Sample, error) {
			err := tt.outcomes[asked]
			asked++
			return report.Sample{}, err
		})
		require.ErrorIs(t, err, tt.want, name)
		require.Equal(t, tt.repeats, sample.Repeats, name)
		require.Len(t, tt.outcomes, asked, name)
	}
}
