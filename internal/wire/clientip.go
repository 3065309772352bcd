package wire

import "context"

// clientIPKey is a type of its own, so that no other package's key equals it.
type clientIPKey struct{}

// WithClientIP notes the client's address as a router knows it, which may trust
// proxies.
func WithClientIP(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, clientIPKey{}, ip)
}

// ClientIP is what WithClientIP noted, or empty.
func ClientIP(ctx context.Context) string {
	ip, _ := ctx.Value(clientIPKey{}).(string)
	return ip
}
