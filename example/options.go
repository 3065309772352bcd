package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// options are the command line.
type options struct {
	addr            string
	dsn, sqlite     string
	tlsCert, tlsKey string
	trustedOrigins  origins

	accessValidity, refreshValidity time.Duration
	sessionLifetime, keyRotation    time.Duration
	concurrentWindow, leeway        time.Duration
	revocationWithin                time.Duration
	immediateRevocation             bool
	preset                          preset
	verbose, doctor                 bool
}

// parseOptions reads the command line. It is flag.ErrHelp for -help, which has
// been printed to usage then.
func parseOptions(args []string, usage io.Writer) (options, error) {
	o := options{preset: preset{"auto", session.PresetAuto}}
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.SetOutput(usage)
	o.addServerFlags(flags)
	o.addSessionFlags(flags)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: every setting is a flag", flags.Arg(0))
	}
	return o, o.validate()
}

// addServerFlags adds where to listen, and where sessions are kept.
func (o *options) addServerFlags(flags *flag.FlagSet) {
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080",
		"`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&o.dsn, "dsn", "",
		"keep sessions in MySQL or MariaDB: the `DSN` of github.com/go-sql-driver/mysql")
	flags.StringVar(&o.sqlite, "sqlite", "",
		"keep sessions in this SQLite `file`; needs a build with -tags sqlite")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "serve HTTPS with this PEM `file`; needs -tls-key")
	flags.StringVar(&o.tlsKey, "tls-key", "", "private key of -tls-cert, a PEM `file`")
	flags.Var(&o.trustedOrigins, "trusted-origin",
		"let the page at this `origin` use the API (CORS); may be repeated")
	flags.BoolVar(&o.verbose, "verbose", false, "log every event")
	flags.BoolVar(&o.doctor, "doctor", false, "say what is wrong with the set-up, and end")
}

// addSessionFlags adds what becomes a part of session.Config.
func (o *options) addSessionFlags(flags *flag.FlagSet) {
	flags.DurationVar(&o.accessValidity, "access-validity", time.Minute,
		"how long an access token is good for")
	flags.DurationVar(&o.refreshValidity, "refresh-validity", 100*24*time.Hour,
		"how long an unused session lives")
	flags.DurationVar(&o.sessionLifetime, "session-lifetime", 0,
		"end sessions after this time however much they are used (0: never)")
	flags.DurationVar(&o.keyRotation, "key-rotation", 24*time.Hour, "how long a signing key signs")
	flags.DurationVar(&o.concurrentWindow, "concurrent-window", 0,
		"how far apart two refreshes with one token may be and count as parallel tabs (0: strict)")
	flags.DurationVar(&o.leeway, "leeway", 0, "grant expired access tokens this long")
	flags.DurationVar(&o.revocationWithin, "revocation-within", 2*time.Second,
		"how soon every process refuses a revoked session: 500ms to 1m (0: when its access token expires)")
	flags.BoolVar(&o.immediateRevocation, "immediate-revocation", false,
		"look at the database in every request")
	flags.Var(&o.preset, "preset", "front ends to serve: `auto, all, refjwt4 or modern`")
}

// validate names all that is wrong, except for what session.New checks itself.
func (o *options) validate() error {
	var problems []error
	if o.dsn != "" && o.sqlite != "" {
		problems = append(problems, errors.New("-dsn and -sqlite exclude each other"))
	}
	if (o.tlsCert == "") != (o.tlsKey == "") {
		problems = append(problems, errors.New("-tls-cert and -tls-key go together"))
	}
	if err := o.checkAddr(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// checkAddr keeps plain HTTP on the loopback interface: everywhere else the
// cookies would travel readable for all on the way.
func (o *options) checkAddr() error {
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return fmt.Errorf("-addr %q is not host:port", o.addr)
	}
	ip := net.ParseIP(host)
	if o.tls() || strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-addr %q can be reached from other machines, and plain HTTP would show them the cookies: "+
		"use a loopback address such as 127.0.0.1:8080, or give -tls-cert and -tls-key", o.addr)
}

// url is what a browser on this machine asks for.
func (o *options) url() string { return publicURL(o.addr, o.tls()) }

func (o *options) tls() bool { return o.tlsCert != "" && o.tlsKey != "" }

// storeName is where sessions are kept, for the page.
func (o *options) storeName() string {
	switch {
	case o.dsn != "":
		return "MySQL"
	case o.sqlite != "":
		return "SQLite"
	}
	return "memory"
}

func (o *options) logLevel() slog.Level {
	if o.verbose {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// config is the kit's part of the options.
func (o *options) config(logger *slog.Logger) session.Config {
	cfg := session.Config{
		AccessTokenValidity:     o.accessValidity,
		RefreshTokenValidity:    o.refreshValidity,
		SessionLifetime:         o.sessionLifetime,
		ConcurrentRefreshWindow: o.concurrentWindow,
		Leeway:                  o.leeway,
		SigningKey:              session.SigningKeyConfig{Rotation: o.keyRotation},
		FrontEnds:               session.FrontEndConfig{Preset: o.preset.value},
		Cookie:                  session.CookieConfig{Insecure: !o.tls()},
		TrustedOrigins:          o.trustedOrigins,
		Logger:                  logger,
		// Seconds are what one can watch.
		InsecureShortLifetimes: true,
	}
	if o.leeway == 0 {
		// So that the page's countdown is exact.
		cfg.Leeway = session.Off
	}
	if o.revocationWithin != 0 {
		cfg.Revocation, cfg.Feed.Within = session.RevokeSoon, o.revocationWithin
	}
	if o.immediateRevocation {
		cfg.Revocation = session.RevokeImmediately
	}
	return cfg
}

// revocation is how soon a revoked session is refused, for the page.
func (o *options) revocation() string {
	switch {
	case o.immediateRevocation:
		return "immediate"
	case o.revocationWithin != 0:
		return "within " + short(o.revocationWithin)
	}
	return "at expiry"
}

// expiredStatus is the status that asks the page to refresh.
func (o *options) expiredStatus() int {
	if o.preset.value == session.PresetRefJWT4 {
		return 440
	}
	return http.StatusUnauthorized
}

// preset is a session.Preset by its name.
type preset struct {
	name  string
	value session.Preset
}

func (p *preset) String() string { return p.name }

// Set implements [flag.Value].
func (p *preset) Set(name string) error {
	known := []preset{
		{"auto", session.PresetAuto},
		{"all", session.PresetAll},
		{"refjwt4", session.PresetRefJWT4},
		{"modern", session.PresetModern},
	}
	i := slices.IndexFunc(known, func(k preset) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return errors.New("want auto, all, refjwt4 or modern")
	}
	*p = known[i]
	return nil
}

// origins is a list of origins such as https://app.example.org.
type origins []string

func (o *origins) String() string { return strings.Join(*o, " ") }

// Set implements [flag.Value].
func (o *origins) Set(origin string) error {
	if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil {
		return err
	}
	*o = append(*o, origin)
	return nil
}
