package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// What a device cookie holds.
const (
	deviceVersion = "1"
	// maxDeviceUsers is how many users of one browser are remembered.
	maxDeviceUsers = 5
	// proofSize is that of a truncated MAC, and of a salt. Nobody can guess one,
	// and all that it is good for is keeping a mail from being sent.
	proofSize = 16
	// maxDeviceLen is the longest text of ours: each user under another key.
	maxDeviceLen = len(deviceVersion) + maxDeviceUsers*(1+maxKeyIDLen+1+(2*proofSize*8+5)/6)

	deviceMACDomain = "sessionkit.device.v1:"
)

// Device is what a browser shows of the users that have signed in with it before:
// for each a MAC over the user's id, newest first. It names nobody, as only who
// has the key and an id can tell whether they belong together; and the salt makes
// the same user another one in each browser.
//
// It is no credential. Whoever copies it can do nothing but sign in without a
// notice, and needs for that what a sign-in needs.
//
// Text: the version, then for each key that users were remembered under, the
// newest first, its id and the base64 of a salt and the MACs; all parted by dots.
// One key would not do: what an old one has signed cannot be made anew under the
// next one without knowing the users.
type Device struct{ groups []deviceGroup }

// deviceGroup are the users that were remembered under one key.
type deviceGroup struct {
	kid  string
	salt [proofSize]byte
	// proofs are the users', newest first; never empty.
	proofs [][proofSize]byte
}

// ParseDevice reads the text of a Device. What is none, or was cut off, is a
// browser in which nobody has signed in: nothing depends on it but a notice.
func ParseDevice(text string) (d Device) {
	if len(text) > maxDeviceLen {
		return Device{}
	}
	version, rest, _ := strings.Cut(text, ".")
	if version != deviceVersion {
		return Device{}
	}
	users := 0
	for rest != "" {
		var g deviceGroup
		var proofs string
		g.kid, rest, _ = strings.Cut(rest, ".")
		proofs, rest, _ = strings.Cut(rest, ".")
		raw, err := base64.RawURLEncoding.Strict().DecodeString(proofs)
		if err != nil || len(raw) < 2*proofSize || len(raw)%proofSize != 0 || !ValidKeyID(g.kid) {
			return Device{}
		}
		g.salt = [proofSize]byte(raw)
		for raw = raw[proofSize:]; len(raw) > 0; raw = raw[proofSize:] {
			g.proofs = append(g.proofs, [proofSize]byte(raw))
		}
		if users += len(g.proofs); users > maxDeviceUsers {
			return Device{}
		}
		d.groups = append(d.groups, g)
	}
	return d
}

// Knows reports whether a user has signed in with this browser, by keys that are
// known. It is for the service of that name.
func (d Device) Knows(keys Keys, issuer, audience, userID string) bool {
	return slices.ContainsFunc(d.groups, func(g deviceGroup) bool {
		return g.find(keys, serviceOf(issuer, audience), userID) >= 0
	})
}

// find is the place of the user's proof, or -1.
func (g deviceGroup) find(keys Keys, service [serviceSize]byte, userID string) int {
	secret, err := keys.secretFor(g.kid, 0)
	if err != nil {
		return -1
	}
	want := proofOf(secret, service, g.salt, userID)
	return slices.IndexFunc(g.proofs, func(p [proofSize]byte) bool { return hmac.Equal(p[:], want[:]) })
}

// With is d with the user first, remembered under k. The oldest give way.
// Proofs under keys that are not known stay: another process may know them.
func (d Device) With(k Key, keys Keys, issuer, audience, userID string) Device {
	service := serviceOf(issuer, audience)
	next := Device{groups: []deviceGroup{{kid: k.ID}}}
	first := &next.groups[0]
	if len(d.groups) > 0 && d.groups[0].kid == k.ID {
		first.salt = d.groups[0].salt
	} else {
		_, _ = rand.Read(first.salt[:]) // never fails: crypto/rand ends the program rather
	}
	first.proofs = [][proofSize]byte{proofOf(k.Secret, service, first.salt, userID)}
	users := 1
	for i, g := range d.groups {
		kept := slices.Clone(g.proofs)
		if at := g.find(keys, service, userID); at >= 0 {
			kept = slices.Delete(kept, at, at+1)
		}
		kept = kept[:min(len(kept), maxDeviceUsers-users)]
		users += len(kept)
		switch {
		case i == 0 && g.kid == k.ID:
			next.groups[0].proofs = append(next.groups[0].proofs, kept...)
		case len(kept) > 0:
			next.groups = append(next.groups, deviceGroup{g.kid, g.salt, kept})
		}
	}
	return next
}

// Text is what ParseDevice reads.
func (d Device) Text() string {
	var text strings.Builder
	text.WriteString(deviceVersion)
	for _, g := range d.groups {
		raw := slices.Clone(g.salt[:])
		for _, p := range g.proofs {
			raw = append(raw, p[:]...)
		}
		text.WriteString("." + g.kid + "." + base64.RawURLEncoding.EncodeToString(raw))
	}
	return text.String()
}

func proofOf(secret []byte, service [serviceSize]byte, salt [proofSize]byte, userID string) [proofSize]byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(deviceMACDomain)) // the user id alone has no fixed length, and is last
	mac.Write(service[:])
	mac.Write(salt[:])
	mac.Write([]byte(userID))
	return [proofSize]byte(mac.Sum(nil))
}
