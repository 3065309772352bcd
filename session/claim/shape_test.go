package claim_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/testpage"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/session/claim"
)

func requireClaimError(t *testing.T, err error) *errors.ClaimError {
	t.Helper()
	require.ErrorIs(t, err, errors.ErrInvalidClaim)
	require.NotErrorIs(t, err, errors.ErrUnauthorised)
	claimErr, ok := errors.AsType[*errors.ClaimError](err)
	require.True(t, ok)
	return claimErr
}

// claimEpochMillis is testpage.Epoch as payloads have it.
const claimEpochMillis = "1772366400000"

// Whatever stands in the payload, a validator passes only for a well-formed claim.
func TestClaim_shapesThatProveNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, claimEpochMillis, fmt.Sprint(testpage.Epoch.UnixMilli()))
	const now = claimEpochMillis

	absent := map[string]string{
		"no payload object":          `["role","tags"]`,
		"payload is a string":        `"role"`,
		"payload is null":            `null`,
		"payload is empty":           `{}`,
		"other case of the id":       `{"Role":{"v":"admin","t":` + now + `},"TAGS":{"v":["a"],"t":` + now + `}}`,
		"bare value":                 `{"role":"admin","tags":["a"]}`,
		"array in place of object":   `{"role":["admin",` + now + `],"tags":[["a"],` + now + `]}`,
		"no value":                   `{"role":{"t":` + now + `},"tags":{"t":` + now + `}}`,
		"null value":                 `{"role":{"v":null,"t":` + now + `},"tags":{"v":null,"t":` + now + `}}`,
		"null element":               `{"tags":{"v":["a",null],"t":` + now + `}}`,
		"value of another type":      `{"role":{"v":true,"t":` + now + `},"tags":{"v":"a","t":` + now + `}}`,
		"object value":               `{"role":{"v":{"v":"admin"},"t":` + now + `},"tags":{"v":{"0":"a"},"t":` + now + `}}`,
		"array of another type":      `{"tags":{"v":["a",1],"t":` + now + `}}`,
		"nested array":               `{"tags":{"v":[["a"]],"t":` + now + `}}`,
		"names in other case":        `{"role":{"V":"admin","T":` + now + `},"tags":{"V":["a"],"T":` + now + `}}`,
		"no time":                    `{"role":{"v":"admin"},"tags":{"v":["a"]}}`,
		"null time":                  `{"role":{"v":"admin","t":null},"tags":{"v":["a"],"t":null}}`,
		"time is text":               `{"role":{"v":"admin","t":"` + now + `"},"tags":{"v":["a"],"t":"` + now + `"}}`,
		"negative time":              `{"role":{"v":"admin","t":-1},"tags":{"v":["a"],"t":-1}}`,
		"time beyond exact numbers":  `{"role":{"v":"admin","t":9007199254740993},"tags":{"v":["a"],"t":9007199254740993}}`,
		"time of int64's top":        `{"role":{"v":"admin","t":9223372036854775807},"tags":{"v":["a"],"t":9223372036854775807}}`,
		"time beyond int64":          `{"role":{"v":"admin","t":1e400},"tags":{"v":["a"],"t":1e400}}`,
		"fraction of a millisecond":  `{"role":{"v":"admin","t":1.5},"tags":{"v":["a"],"t":1.5}}`,
		"time of true":               `{"role":{"v":"admin","t":true},"tags":{"v":["a"],"t":true}}`,
		"claim in a member of claim": `{"x":{"role":{"v":"admin","t":` + now + `}}}`,
	}
	rig := newClaimRig(t)
	role := single(t, claim.Config[string]{ID: "role"})
	tags := array(t, claim.Config[[]string]{ID: "tags"})
	validators := []session.Validator{
		role.HasValue("admin"), tags.Includes("a"), tags.Excludes("z"), tags.IncludesAll(), tags.ExcludesAll(), tags.IncludesAny("a"),
	}
	for name, payload := range absent {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokens := rig.Create(t, session.WithPayload(json.RawMessage(payload)))
			sess, replacement, err := rig.verify(t, tokens.Access.Value, validators...)
			require.Nil(t, sess)
			require.Nil(t, replacement)
			require.Len(t, requireClaimError(t, err).Failures, len(validators))
			for _, failure := range requireClaimError(t, err).Failures {
				require.Equal(t, "value does not exist", failure.Reason.(claim.Reason).Message)
			}
			_, ok := role.Value(tokens.Session)
			require.False(t, ok)
			_, ok = tags.Value(tokens.Session)
			require.False(t, ok)
		})
	}
}

func TestClaim_numbersThatDoNotFit(t *testing.T) {
	t.Parallel()
	rig := newClaimRig(t)
	level := single(t, claim.Config[int8]{ID: "level"})
	weight := single(t, claim.Config[float64]{ID: "weight"})
	for name, value := range map[string]string{
		"overflow": `1e999`, "int8 overflow": `1000`, "text": `"1"`, "bool": `true`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := `{"level":{"v":` + value + `,"t":1},"weight":{"v":` + value + `,"t":1}}`
			tokens := rig.Create(t, session.WithPayload(json.RawMessage(payload)))
			_, _, err := rig.verify(t, tokens.Access.Value, level.HasValue(0))
			_ = requireClaimError(t, err)
			_, _, err = rig.verify(t, tokens.Access.Value, weight.HasValue(0))
			_ = requireClaimError(t, err)
		})
	}
	// 2⁵³+1, which floating point cannot tell from 2⁵³.
	big := single(t, claim.Config[int64]{ID: "big"})
	tokens := rig.Create(t, session.WithPayload(json.RawMessage(`{"big":{"v":9007199254740993,"t":1}}`)))
	_, _, err := rig.verify(t, tokens.Access.Value, big.HasValue(9007199254740992))
	_ = requireClaimError(t, err)
	_, _, err = rig.verify(t, tokens.Access.Value, big.HasValue(9007199254740993))
	require.NoError(t, err)
}

// The age counts from both sides: a claim from a future that no clock explains is of
// unknown age.
func TestClaim_age(t *testing.T) {
	t.Parallel()
	const minute = int64(60_000)
	now := testpage.Epoch.UnixMilli()
	for name, tc := range map[string]struct {
		t      int64
		maxAge time.Duration
		reason string
	}{
		"far future":           {now + 100*365*24*60*minute, time.Hour, `{"message":"expired","ageInSeconds":-3153600000,"maxAgeInSeconds":3600}`},
		"just beyond the skew": {now + minute + 1, time.Hour, `{"message":"expired","ageInSeconds":-60.001,"maxAgeInSeconds":3600}`},
		"just too old":         {now - 5*minute - 1, 5 * time.Minute, `{"message":"expired","ageInSeconds":300.001,"maxAgeInSeconds":300}`},
		"the year 1970":        {0, 5 * time.Minute, `{"message":"expired","ageInSeconds":1772366400,"maxAgeInSeconds":300}`},
		"max age of 0":         {now - 1, 0, `{"message":"expired","ageInSeconds":0.001,"maxAgeInSeconds":0}`},
		"negative max age":     {now - 1, -time.Hour, `{"message":"expired","ageInSeconds":0.001,"maxAgeInSeconds":0}`},
		"skew":                 {now + minute, time.Hour, ""},
		"just young enough":    {now - 5*minute, 5 * time.Minute, ""},
		"now":                  {now, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newClaimRig(t)
			role := single(t, claim.Config[string]{ID: "role"})
			tokens := rig.Create(t, session.WithPayload(json.RawMessage(fmt.Sprintf(`{"role":{"v":"admin","t":%d}}`, tc.t))))

			_, _, err := rig.verify(t, tokens.Access.Value, role.HasValue("admin").MaxAge(tc.maxAge))
			if tc.reason == "" {
				require.NoError(t, err)
			} else {
				require.JSONEq(t, `[{"id":"role","reason":`+tc.reason+`}]`, reasonsOf(t, err))
				// Wrong value and too old: the age is what is told.
				_, _, err = rig.verify(t, tokens.Access.Value, role.HasValue("other").MaxAge(tc.maxAge))
				require.JSONEq(t, `[{"id":"role","reason":`+tc.reason+`}]`, reasonsOf(t, err))
			}
			_, _, err = rig.verify(t, tokens.Access.Value, role.HasValue("admin").MaxAge(tc.maxAge).AnyAge())
			require.NoError(t, err)
		})
	}
}
