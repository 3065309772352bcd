package session

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/internal/keyring"
	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/internal/wire"
	"github.com/gin-sessionkit/sessionkit/models"
)

// Config holds every setting of a Service. The zero value is the recommended
// set-up: HTTPS, strict theft detection, anti-CSRF token on.
type Config struct {
	// Issuer says who makes tokens (RFC 7519, section 4.1.1). One of another issuer is
	// no token here. 1 to 256 bytes of UTF-8 without control characters, default
	// "sessionkit".
	Issuer string
	// Audiences says for whom access tokens are made (RFC 7519, section 4.1.3): this
	// service first, then others that take them too, up to 8 in all; names as Issuer,
	// default "sessionkit". Several have up to 256 bytes together, as JSON and the
	// first counted twice: eight of 25 characters. Refresh tokens are for the first
	// alone, and whoever changes it signs everybody out. Two services with one key
	// table need different first ones. Each name makes tokens longer.
	Audiences []string
	// AcceptAudiences are further audiences whose access tokens are taken here, up to
	// 8: those of services that do not name this one in their Audiences. It needs their
	// Issuer and the same tables, of the sessions too. A token keeps its audiences when
	// it is changed here, and only the service that made it refreshes it. A name has up
	// to 126 characters.
	AcceptAudiences []string

	// AccessTokenValidity is how long an access token is good for: 2 s to 24 h,
	// default 1 h, and never longer. As tokens tell whole seconds only, it may be
	// up to a second less. With RevokeAtExpiry a revoked session works that long on.
	AccessTokenValidity time.Duration
	// RefreshTokenValidity is how long a session lives without being used: 5 min to 365
	// days, default 100 days, and not below AccessTokenValidity. (The database is
	// spared a write per refresh, and most changes of an index, so the end may come up
	// to a tenth and a 64th earlier, counted from the last use; never later. Cookies
	// have the same end as the row.)
	RefreshTokenValidity time.Duration
	// SessionLifetime ends a session however much it is used: AccessTokenValidity to
	// 3650 days; 0 = no such end.
	SessionLifetime time.Duration
	// ConcurrentRefreshWindow is how far apart two refreshes with the same
	// token may be and still count as one user's parallel tabs: 0 to 60 s.
	// 0, the default, is strict: any use of a replaced token is theft, as in
	// SuperTokens' Node library. Front ends that take turns across tabs (its own do)
	// need no window with cookies. Choose 10 s for those that don't and where tokens
	// travel in headers, and keep the clocks of the servers closer together than that.
	ConcurrentRefreshWindow time.Duration
	// Leeway is granted to the expiry of access tokens for clocks that
	// disagree: up to 60 s, default 5 s; Off for none.
	Leeway time.Duration
	// InsecureShortLifetimes lifts the lower bounds of RefreshTokenValidity and
	// SigningKey.Rotation, for tests and demonstrations.
	InsecureShortLifetimes bool

	// Revocation says how soon a revoked session stops working; see the modes.
	// A route can ask for more.
	Revocation RevocationMode
	// Feed is how processes tell each other of revocations, for RevokeSoon. It is on
	// with RevokeSoon, and when its Within is set.
	Feed FeedConfig
	// AntiCSRF protects requests that carry their token in a cookie.
	AntiCSRF AntiCSRFConfig
	// SigningKey rules the keys of access and refresh tokens.
	SigningKey SigningKeyConfig
	// Cleanup removes rows of sessions that ended.
	Cleanup CleanupConfig
	// MaxSessions limits how many sessions a user may have. Default: no limit.
	MaxSessions LimitConfig
	// Import takes over the sessions of an earlier system. Default: none.
	Import ImportConfig

	// TrustedOrigins are the pages on other origins than the API's own whose requests
	// count as meant: scheme://host, or scheme://host:port. Front ends from npm need
	// no entry where their requests have a header of theirs, which they do but for
	// sign-out of 3.x, 5.x and 6.x and sign-in by a form; a page's own fetch does. A
	// WebSocket from another origin always does.
	TrustedOrigins []string

	// Cookie rules the cookies' attributes.
	Cookie CookieConfig
	// FrontEnds chooses what is sent to which generation of front ends.
	FrontEnds FrontEndConfig
	// SessionExpiredStatus is the status of every answer that asks the front end
	// to refresh or to log in: 400 to 499, default 401 (the preset RefJWT4: 440).
	// The application must not use it for anything else.
	SessionExpiredStatus int
	// SessionExpiredStatusFor, if set, overrides it per request, for mixed
	// fleets of front ends. A result of 0 means no override.
	SessionExpiredStatusFor func(*http.Request) int
	// InvalidClaimStatus is the status of an answer to a session that lacks a
	// claim: 400 to 499, default 403, never equal to SessionExpiredStatus.
	InvalidClaimStatus int
	// StepUp says how a session is answered whose user must prove again who it is: see
	// RequireRecentAuth.
	StepUp StepUpMode

	// TokenCacheBytes is about how much memory, in bytes, verified access tokens may be
	// remembered in: 64 KiB to 1 GiB, default 16 MiB, Off for none. One with a small
	// payload takes less than 2 KiB. It saves the reading of a token and the checking
	// of its signature when both were done before, and nothing else: expiry, keys and
	// revocation are asked every time.
	TokenCacheBytes int64

	// IPAddresses says what Create stores of the client's address for device
	// lists. Default: nothing.
	IPAddresses IPPolicy

	// NewDeviceNotice tells at each sign-in by cookie whether the user has signed in
	// with this browser before: Event.NewDevice, for a mail to the user. A cookie for
	// 400 days remembers the last five users of a browser, as hashes that name nobody.
	// Its name is __Host-sDevice (sDevice with Cookie.Insecure) and the Cookie.Suffix.
	// It is no credential. To begin with, every sign-in is one by a new device.
	NewDeviceNotice bool

	// OperationTimeout bounds the database work of one call: 10 ms to 60 s,
	// default 2 s. A shorter deadline of the caller's context wins.
	OperationTimeout time.Duration

	// Logger gets warnings and events; default slog.Default(). No token, key,
	// hash, payload or data is ever logged, and no line per failed request.
	Logger *slog.Logger
	// OnRefusal, if set, is told of every request that gets no session, and why. It
	// runs on the path of the request and must not block. A panic in it is recovered
	// and logged.
	OnRefusal func(*http.Request, error)
	// OnEvent, if set, is told of every event. It runs on the path of the
	// request and must not block. A panic in it is recovered and logged.
	OnEvent func(Event)
	// OnTheft, if set, is called once for every session that a stolen refresh
	// token gave away, after it was revoked: the place to tell the user, and to
	// end the user's other sessions.
	//
	// It runs apart from the request, at most 4 at a time, with a context of its
	// own that ends after 10 s and holds none of the request's values. Heed it: one
	// that goes on holds up the next. Up to 1,024 thefts wait, 128 of one user; one
	// more is logged at Error and not told. Service.Close waits for all of them. A
	// panic is recovered and logged without its value.
	OnTheft func(ctx context.Context, theft *errors.TokenTheftError)

	// Now is the clock; default time.Now. For tests.
	Now func() time.Time
}

// Off says "none" where 0 means "the default": Config.Leeway, Config.TokenCacheBytes,
// SigningKey.Rotation, Cleanup.Every and claim.Config.DefaultMaxAge.
const Off = -1

// RevocationMode says how soon a revoked session stops working.
type RevocationMode uint8

const (
	// RevokeAtExpiry lets access tokens of a revoked session work until they
	// expire; verification needs no database. The default.
	RevokeAtExpiry RevocationMode = iota
	// RevokeSoon refuses a revoked session within Feed.Within, two seconds by default,
	// in every process, and runs no SQL for other requests: processes read the
	// revocations of all others from a table, and ask the database about those only.
	RevokeSoon
	// RevokeImmediately reads the session's row at every verification: what
	// SuperTokens' Node library calls blacklisting. When the database cannot be asked,
	// the request gets an [errors.ErrUnavailable].
	RevokeImmediately
)

// StepUpMode says how a session is answered that [RequireRecentAuth] or [RequireLevel]
// refuses. Either answer has the challenge of RFC 9470, section 3.
type StepUpMode uint8

const (
	// StepUpByClaim answers as for any claim that is missing: InvalidClaimStatus with
	// the failures. Front ends from npm know that, and stay signed in.
	StepUpByClaim StepUpMode = iota
	// StepUpRFC9470 answers by 401, as the RFC has it, for clients that go by that.
	// Front ends from npm would refresh and ask again, up to ten times.
	StepUpRFC9470
)

// FeedConfig configures the feed of revocations, which [RevokeSoon] goes by: a table
// that every process writes its revocations to, and reads four times in each Within.
//
// Instances that revoke without writing to it would not be heard. So where there are
// instances already, it takes two deploys: the first sets Within, by which it turns the
// feed on; the second sets Revocation, once all instances of before are gone.
type FeedConfig struct {
	// Within is how soon every process knows: 500 ms to 60 s, default 2 s. Setting it
	// turns the feed on for this process, and for good for all that start later: they
	// write to it whatever their own mode is.
	Within time.Duration
	// OnLag says what to do while the feed cannot be read.
	OnLag LagPolicy
	// MaxEntries is how many revocations of the last 25 hours are kept in memory, at
	// about 150 bytes each: 1,000 to 10,000,000, default 200,000. Beyond that every
	// session is asked about once for each further one, and there is an
	// [EventFeedFull].
	MaxEntries int
}

// LagPolicy says what to do while the feed has not been read for longer than
// FeedConfig.Within, such as in an outage of the database.
type LagPolicy uint8

const (
	// LagServe goes on by what is known, as verification needs no database: a session
	// that is revoked meanwhile is served until the feed can be read again.
	LagServe LagPolicy = iota
	// LagAsk asks the database at every request, as RevokeImmediately does: what it
	// cannot answer gets an [errors.ErrUnavailable].
	LagAsk
)

// feedOn reports whether the feed is read.
func (c Config) feedOn() bool { return c.Revocation == RevokeSoon || c.Feed.Within != 0 }

// AntiCSRFConfig configures the defence against cross-site request forgery. It
// concerns requests with a token in a cookie and a method other than GET,
// HEAD, OPTIONS and TRACE.
type AntiCSRFConfig struct {
	Mode AntiCSRFMode
	// OnRefresh demands the proof for a refresh too. Off by
	// default: a browser that evicted the page's own storage could not refresh any
	// more, and front ends before 4.4 send none.
	OnRefresh bool
}

// AntiCSRFMode is the kind of proof that a request was meant.
type AntiCSRFMode uint8

const (
	// AntiCSRFViaToken wants the header anti-csrf to hold the token that
	// creation and refresh handed out. The default.
	AntiCSRFViaToken AntiCSRFMode = iota
	// AntiCSRFViaCustomHeader wants any header rid, which a page of a foreign
	// origin cannot send without passing a CORS preflight.
	AntiCSRFViaCustomHeader
	// AntiCSRFViaFetchMetadata goes by what browsers say of who asks: Sec-Fetch-Site,
	// and without it Origin, as http.CrossOriginProtection does, with TrustedOrigins.
	// No page needs a token. A request with neither header passes: no browser of this
	// decade sent it. One of a foreign page is an [errors.ErrCrossOrigin].
	AntiCSRFViaFetchMetadata
	// InsecureAntiCSRFOff leaves it to the SameSite attribute and to the application.
	InsecureAntiCSRFOff
)

// SigningKeyConfig rules the keys.
type SigningKeyConfig struct {
	// Algorithm is how access tokens are signed: default HS256, whose keys no other
	// service can have without being able to sign in as anybody. A change makes no
	// token invalid: every key goes on verifying by its own algorithm, and the first of
	// the new one is made at the next start, and signs ten minutes later. All instances
	// must know algorithms before one has another than HS256: see docs/operations.md.
	// With ES256, Ed25519 and RS256 access tokens have the client_id of RFC 9068, which
	// is Audience.
	Algorithm Algorithm
	// TokenType is the typ of access tokens with any Algorithm but HS256: default
	// at+jwt.
	TokenType TokenType
	// Rotation is how long a key signs before the next takes over: 1 h to
	// 720 h, default 24 h, Off for never. A rotation invalidates no token.
	Rotation time.Duration
	// Provider, if set, supplies the keys of access tokens instead of the key table,
	// which are of HS256. It is called off the path of requests and its answer is kept.
	Provider KeyProvider
	// Encryption holds AES-256 keys (32 bytes each) that encrypt the secrets in the
	// key table. The first encrypts, all decrypt. Empty: secrets are stored in clear,
	// and whoever reads the key table can sign in as anybody. Encrypted keys are bound
	// to Config.Issuer: one key table then serves one issuer.
	Encryption [][]byte
	// AllowClearKeys is for the change-over from a table in clear to Encryption, and
	// for no longer: New seals the rows that are stored in clear and goes on with
	// them. Without it such rows are refused, because whoever can write the table
	// could put in one of his own; New then stops and names them.
	AllowClearKeys bool
}

// Key is a symmetric signing key. Printing or logging it shows no secret.
type Key struct {
	hidden
	// ID names the key in tokens: 1 to 32 characters of A-Z a-z 0-9 _ -.
	ID string
	// Secret has at least 32 bytes.
	Secret []byte
}

// KeyProvider supplies keys of access tokens from outside of the key table, such as a
// key management service.
type KeyProvider interface {
	// Keys returns the keys of the moment: the first signs, all verify. A rotation is
	// a new first key; the old one must stay in the list until its last token expired.
	// Whatever it returns is copied. An error, or an empty list, keeps what is known.
	Keys(ctx context.Context) ([]Key, error)
}

// provider is the Provider as the key ring calls it.
func (c SigningKeyConfig) provider() keyring.Provider {
	if c.Provider == nil {
		return nil
	}
	return provided{c.Provider}
}

// provided reads an application's keys as the codecs' own.
type provided struct{ KeyProvider }

// Keys implements [keyring.Provider].
func (p provided) Keys(ctx context.Context) ([]token.Key, error) {
	keys, err := p.KeyProvider.Keys(ctx)
	list := make([]token.Key, len(keys))
	for i, key := range keys {
		list[i] = token.Key{ID: key.ID, Secret: key.Secret}
	}
	return list, err
}

// CleanupConfig configures the removal of rows whose session ended by expiry, or
// was revoked and would have expired by now.
type CleanupConfig struct {
	// Every is the period: 1 min to 365 days, default 7 days, Off to leave the cleanup
	// to the application. One instance works in each period, whichever comes first.
	Every time.Duration
	// Batch is how many rows one statement removes: 1 to 1,000, default 1,000.
	Batch int
	// Pause is the pause between batches: default 100 ms.
	Pause time.Duration
}

// IPPolicy says what is stored of a client's address.
type IPPolicy uint8

const (
	// IPNone stores nothing.
	IPNone IPPolicy = iota
	// IPTruncated stores the network: /24 of IPv4, /48 of IPv6.
	IPTruncated
	// IPFull stores the address.
	IPFull
)

const (
	day = 24 * time.Hour

	// minAccessValidity leaves a token at least one second, as its end is rounded
	// down to a whole one.
	minAccessValidity  = 2 * time.Second
	minRefreshValidity = 5 * time.Minute
	// maxSessionLifetime is less than a key that never rotates lives.
	maxSessionLifetime = 3650 * day

	defaultOperationTimeout = 2 * time.Second
	maxLeeway               = 60 * time.Second
	minTokenCache           = 64 << 10
	defaultWithin           = 2 * time.Second
	defaultFeedEntries      = 200_000
	defaultTokenCache       = 16 << 20
	maxTokenCache           = 1 << 30
	maxWindow               = 60 * time.Second
)

// withDefaults returns a copy in which every setting has its effective value.
func (c Config) withDefaults() Config {
	c.Issuer = cmp.Or(c.Issuer, "sessionkit")
	c.Audiences, c.AcceptAudiences = slices.Clone(c.Audiences), slices.Clone(c.AcceptAudiences)
	if len(c.Audiences) == 0 {
		c.Audiences = []string{"sessionkit"}
	}
	c.AccessTokenValidity = cmp.Or(c.AccessTokenValidity, time.Hour)
	c.RefreshTokenValidity = cmp.Or(c.RefreshTokenValidity, 100*day)
	c.Leeway = orNone(c.Leeway, 5*time.Second)
	c.TokenCacheBytes = orNone(c.TokenCacheBytes, defaultTokenCache)
	c.SigningKey.Rotation = orNone(c.SigningKey.Rotation, day)
	c.Cleanup.Every = orNone(c.Cleanup.Every, 7*day)
	c.Cleanup.Batch = cmp.Or(c.Cleanup.Batch, 1000)
	c.Cleanup.Pause = cmp.Or(c.Cleanup.Pause, 100*time.Millisecond)
	if c.feedOn() {
		c.Feed.Within = cmp.Or(c.Feed.Within, defaultWithin)
	}
	c.Feed.MaxEntries = cmp.Or(c.Feed.MaxEntries, defaultFeedEntries)
	c.Cookie = c.Cookie.withDefaults()
	c.FrontEnds = c.FrontEnds.withDefaults()
	c.SessionExpiredStatus = cmp.Or(c.SessionExpiredStatus, c.FrontEnds.Preset.expiredStatus())
	c.InvalidClaimStatus = cmp.Or(c.InvalidClaimStatus, http.StatusForbidden)
	c.OperationTimeout = cmp.Or(c.OperationTimeout, defaultOperationTimeout)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// orNone gives 0 its default and Off its 0.
func orNone[T ~int64](d, byDefault T) T {
	switch d {
	case 0:
		return byDefault
	case Off:
		return 0
	default:
		return d
	}
}

// keyringConfig derives the key schedules. A key outlives every token that it signed.
func (c Config) keyringConfig() keyring.Config {
	// A refresh token whose answers keep getting lost stays the current one for
	// longer than a single idle validity, however long its session lives.
	refreshLife := cmp.Or(c.SessionLifetime, 4*c.RefreshTokenValidity)
	// Daily keys would pile up in the table and in memory over such a time
	// without making anything safer.
	refreshRotation := c.SigningKey.Rotation
	if refreshRotation > 0 {
		refreshRotation = max(refreshRotation, refreshLife/16)
	}
	access := c.SigningKey.Algorithm.internal()
	schedules := []keyring.Schedule{
		{Purpose: models.KeyForAccess, Algorithm: access, Rotation: c.SigningKey.Rotation, TokenLifetime: c.AccessTokenValidity + c.Leeway},
		{Purpose: models.KeyForRefresh, Rotation: refreshRotation, TokenLifetime: refreshLife},
	}
	if c.NewDeviceNotice {
		schedules = append(schedules, c.deviceKeys())
	}
	return keyring.Config{
		Schedules:  schedules,
		Now:        c.Now,
		Encryption: c.SigningKey.Encryption, AllowClearKeys: c.SigningKey.AllowClearKeys, Issuer: c.Issuer,
		Provider:  c.SigningKey.provider(),
		WaitLimit: c.OperationTimeout,
		Logger:    c.Logger,
	}
}

// wireSettings resolves what concerns requests and responses. The Config is valid.
func (c Config) wireSettings() *wire.Settings {
	origins, _ := wire.NewOrigins(c.TrustedOrigins) // validate looked
	set := &wire.Settings{
		Place: c.Cookie.place(), SameSite: c.Cookie.SameSite, Insecure: c.Cookie.Insecure,
		Cookies: c.FrontEnds.Carriers != CarriersHeader, Headers: c.FrontEnds.Carriers != CarriersCookie,
		FrontToken:        c.FrontEnds.FrontToken == SwitchAlways,
		IDRefreshHeader:   c.FrontEnds.IDRefreshHeader.wire(),
		IDRefreshCookie:   c.FrontEnds.IDRefreshCookie.wire(),
		IDRefreshMigrates: c.FrontEnds.IDRefreshMigrate,
		IDRefreshPath:     "/",
		Origins:           origins, Now: c.Now,
	}
	if c.FrontEnds.Preset == PresetRefJWT4 {
		// As the Node library has it. Pages of other generations read it anywhere.
		set.IDRefreshPath = c.Cookie.AccessPath
	}
	if c.NewDeviceNotice {
		set.Device = c.deviceCookie()
	}
	for _, o := range c.Cookie.Older {
		set.Older = append(set.Older, o.place())
	}
	return set
}
