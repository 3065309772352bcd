package wire

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// IsLocal reports whether a request comes from this machine, as far as can be
// told: its Host is a loopback one, and no proxy in between names another host
// or client. The connection's own address is not looked at: behind a proxy it
// is always this machine's.
func IsLocal(r *http.Request) bool {
	if !IsLoopback(r.Host) {
		return false
	}
	for _, name := range proxyHeaders {
		if !allLoopback(r.Header[name], func(list string) string { return list }) {
			return false
		}
	}
	return allLoopback(r.Header["Forwarded"], forwardedNames)
}

// SaysHTTPS reports whether a request came over TLS, as the connection or a
// proxy says. It is good for a hint only: anybody can send these headers.
func SaysHTTPS(r *http.Request) bool {
	const longest = 1 << 10
	forwarded, proto := r.Header.Get("Forwarded"), r.Header.Get("X-Forwarded-Proto")
	return r.TLS != nil || len(proto) <= longest && strings.EqualFold(proto, "https") ||
		len(forwarded) <= longest && strings.Contains(strings.ToLower(forwarded), "proto=https")
}

// proxyHeaders are those in which proxies name the host that was asked, or the
// client.
var proxyHeaders = [...]string{
	"X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-For", "X-Real-Ip",
	"X-Original-Host", "X-Original-Forwarded-For", "X-Client-Ip", "X-Cluster-Client-Ip",
	"True-Client-Ip", "Cf-Connecting-Ip", "Fly-Client-Ip", "X-Envoy-External-Address",
}

// allLoopback reports whether a header names nothing but loopback hosts and
// addresses.
func allLoopback(lines []string, names func(string) string) bool {
	const longest, most = 1 << 10, 8
	if len(lines) > most {
		return false
	}
	for _, line := range lines {
		if len(line) > longest {
			return false
		}
		for name := range strings.SplitSeq(names(line), ",") {
			if name = strings.TrimSpace(name); name != "" && !IsLoopback(name) {
				return false
			}
		}
	}
	return true
}

// forwardedNames is the list of hosts and clients in a Forwarded header (RFC
// 7239, section 4). by, the proxy's own address, tells nothing about the
// client.
func forwardedNames(line string) string {
	var names []string
	for pair := range strings.FieldsFuncSeq(line, func(c rune) bool { return c == ',' || c == ';' }) {
		key, value, _ := strings.Cut(pair, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "for", "host":
			names = append(names, strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return strings.Join(names, ",")
}

// IsLoopback reports whether a host, with a port or without, is this machine.
func IsLoopback(hostport string) bool {
	const longest = 512
	if len(hostport) > longest {
		return false
	}
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
