package token_test

import (
	"strings"
	"testing"

	"github.com/gin-sessionkit/sessionkit/internal/token"
	"github.com/gin-sessionkit/sessionkit/models"
)

func BenchmarkAccessSign(b *testing.B) {
	a := access()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Sign(accessKey); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAccess(b *testing.B) {
	valid := mustSign(b, access(), accessKey)
	otherKey := mustSign(b, access(), token.Key{ID: accessKey.ID, Secret: refreshKey.Secret})
	for name, text := range map[string]string{
		"valid":         valid,
		"forged":        otherKey,
		"oversized 1MB": strings.Repeat("A", 1<<20),
	} {
		keys, want := only(accessKey), expect()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := token.ParseAccess(text, keys, want); (err == nil) != (name == "valid") {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLooksLikeAccess(b *testing.B) {
	text := mustSign(b, access(), accessKey)
	b.ReportAllocs()
	for b.Loop() {
		if !token.LooksLikeAccess(text) {
			b.Fatal("not recognised")
		}
	}
}

func BenchmarkRefreshSeal(b *testing.B) {
	family := token.NewFamily(now)
	b.ReportAllocs()
	for b.Loop() {
		token.NewRefresh(family, models.Hash{}, 0, now).Seal(refreshKey, issuer, audience)
	}
}

func BenchmarkParseRefresh(b *testing.B) {
	valid, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(refreshKey, issuer, audience)
	otherKey, _ := token.NewRefresh(token.NewFamily(now), hashOf(1), 3, now).Seal(token.Key{ID: refreshKey.ID, Secret: accessKey.Secret}, issuer, audience)
	for name, text := range map[string]string{
		"valid":         valid,
		"forged":        otherKey,
		"oversized 1MB": strings.Repeat("A", 1<<20),
	} {
		keys := only(refreshKey)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := token.ParseRefresh(text, keys, issuer, audience); (err == nil) != (name == "valid") {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewFamily(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = token.NewFamily(now).Handle()
	}
}
