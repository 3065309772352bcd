//go:build verifiers

package verifiers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/gin-sessionkit/sessionkit/jwks"
	"github.com/gin-sessionkit/sessionkit/session"
	"github.com/gin-sessionkit/sessionkit/verify"
)

// order is what a verifier gets, as JSON: tokens by the service whose keys they are to
// be verified by.
type order struct {
	Issuer   string    `json:"issuer"`
	Audience string    `json:"audience"`
	Services []service `json:"services"`
}

type service struct {
	// Algorithm is its name as we have it, Alg as headers do.
	Algorithm string            `json:"algorithm"`
	Alg       string            `json:"alg"`
	JWKS      string            `json:"jwks"`
	Tokens    map[string]string `json:"tokens"` // by the name of the attack, or of what is good
}

// answer is what comes back: the verdicts by algorithm and name.
type answer struct {
	Version  string                        `json:"version"`
	Verdicts map[string]map[string]verdict `json:"verdicts"`
}

// verdict is the user of a token that was taken, or why it was refused.
type verdict struct {
	User    string `json:"user"`
	Refused string `json:"refused"`
}

// verifier is one that is not ours, but for the last. What it does otherwise than the
// corpus wants is said here, and holds too.
type verifier struct {
	name string
	ask  func(*testing.T, order) answer
	// takes are the attacks that it does not see: docs/protocol.md says what to add.
	takes []string
	// lacks are the algorithms that it cannot read.
	lacks []string
}

func verifiers() []verifier {
	return []verifier{
		{name: "jose", ask: program("node", "jose.mjs")},
		{name: "PyJWT", ask: program("/usr/bin/python3", "pyjwt.py"), takes: []string{anotherType}},
		{name: "ruby-jwt", ask: program("/usr/bin/ruby", "rubyjwt.rb"), takes: []string{anotherType}, lacks: []string{"Ed25519"}},
		{name: "keyfunc", ask: askKeyfunc, takes: []string{anotherType}},
		{name: "package verify", ask: askOurs},
	}
}

// program asks one that is a program of its own.
func program(command, script string) func(*testing.T, order) answer {
	return func(t *testing.T, o order) (a answer) {
		t.Helper()
		in, err := json.Marshal(o)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), command, script) //nolint:gosec // our own scripts
		cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err, "scripts/verifiers.sh installs what is missing")
		require.NoError(t, json.Unmarshal(out, &a), "%s", out)
		return a
	}
}

// each asks about every token of an order.
func each(o order, open func(service) (func(text string) (user string, err error), error)) (answer, error) {
	a := answer{Version: "of go.mod", Verdicts: map[string]map[string]verdict{}}
	for _, s := range o.Services {
		verifies, err := open(s)
		if err != nil {
			return a, err
		}
		a.Verdicts[s.Algorithm] = map[string]verdict{}
		for name, text := range s.Tokens {
			user, err := verifies(text)
			v := verdict{User: user}
			if err != nil {
				v.Refused = err.Error()
			}
			a.Verdicts[s.Algorithm][name] = v
		}
	}
	return a, nil
}

func askKeyfunc(t *testing.T, o order) answer {
	t.Helper()
	a, err := each(o, func(s service) (func(string) (string, error), error) {
		keys, err := keyfunc.NewDefaultCtx(t.Context(), []string{s.JWKS})
		if err != nil {
			return nil, err
		}
		return func(text string) (string, error) {
			token, err := jwt.Parse(text, keys.Keyfunc, jwt.WithValidMethods([]string{s.Alg}),
				jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience), jwt.WithExpirationRequired())
			if err != nil {
				return "", err
			}
			return token.Claims.GetSubject()
		}, nil
	})
	require.NoError(t, err)
	return a
}

func askOurs(t *testing.T, o order) answer {
	t.Helper()
	a, err := each(o, func(s service) (func(string) (string, error), error) {
		v, err := verify.New(verify.Config{Issuer: o.Issuer, Audience: o.Audience, JWKS: s.JWKS})
		if err != nil {
			return nil, err
		}
		return func(text string) (string, error) {
			who, err := v.Verify(t.Context(), text)
			if err != nil {
				return "", err
			}
			return who.UserID(), nil
		}, nil
	})
	require.NoError(t, err)
	return a
}

// Each of them fetches our keys and reads our tokens, and refuses the corpus.
func TestVerifiers(t *testing.T) {
	o := order{Issuer: issuer, Audience: audience}
	for _, a := range []session.Algorithm{session.ES256, session.Ed25519, session.RS256} {
		f := newForge(t, a)
		server := httptest.NewServer(jwks.Handler(f.svc))
		t.Cleanup(server.Close)
		o.Services = append(o.Services, service{Algorithm: f.name, Alg: f.method.Alg(), JWKS: server.URL, Tokens: f.corpus()})
	}
	for _, v := range verifiers() {
		t.Run(v.name, func(t *testing.T) {
			began := time.Now()
			a := v.ask(t, o)
			t.Logf("%s %s, %v", v.name, a.Version, time.Since(began).Round(time.Millisecond))
			for _, s := range o.Services {
				require.Len(t, a.Verdicts[s.Algorithm], len(s.Tokens))
				for name, got := range a.Verdicts[s.Algorithm] {
					v.require(t, s.Algorithm, name, got)
				}
			}
		})
	}
}

// require holds a verdict against what is wanted.
func (v verifier) require(t *testing.T, algorithm, name string, got verdict) {
	t.Helper()
	row := fmt.Sprintf("%s: %s", algorithm, name)
	takes := isGood(name)
	for _, attack := range v.takes {
		takes = takes || name == attack
	}
	for _, lacked := range v.lacks {
		takes = takes && algorithm != lacked
	}
	if takes {
		require.Equal(t, verdict{User: "ada"}, got, row)
		return
	}
	require.Empty(t, got.User, row)
	require.NotEmpty(t, got.Refused, row)
}
