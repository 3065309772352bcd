package wire

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// IsLocal reports whether a request comes from this machine, as far as can be told: its
// Host is a loopback one, and no proxy in between names another host or client. The
// connection's own address is not looked at: behind a proxy it is always this machine's.
func IsLocal(r *http.Request) bool {
	if !isLoopback(r.Host) {
		return false
	}
	for _, name := range [...]string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-For", "X-Real-Ip"} {
		if !allLoopback(r.Header[name], func(list string) string { return list }) {
			return false
		}
	}
	return allLoopback(r.Header["Forwarded"], forwardedNames)
}

// allLoopback reports whether a header names nothing but loopback hosts and addresses.
func allLoopback(lines []string, names func(string) string) bool {
	const longest = 1 << 10
	for _, line := range lines {
		if len(line) > longest {
			return false
		}
		for name := range strings.SplitSeq(names(line), ",") {
			if name = strings.TrimSpace(name); name != "" && !isLoopback(name) {
				return false
			}
		}
	}
	return true
}

// forwardedNames is the list of hosts and clients in a Forwarded header (RFC 7239,
// section 4). by, the proxy's own address, tells nothing about the client.
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

// isLoopback reports whether a host, with a port or without, is this machine.
func isLoopback(hostport string) bool {
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
