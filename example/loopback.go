package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// loopback reaches this program over the network, as a thief or another device would.
type loopback struct {
	base      *url.URL
	transport *http.Transport
}

// newLoopback is for a program that listens on addr.
func newLoopback(addr net.Addr, opts options) (*loopback, error) {
	base, err := url.Parse(publicURL(addr.String(), opts.tls()))
	if err != nil {
		return nil, err
	}
	l := &loopback{base: base, transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}}
	if opts.tls() {
		if l.transport.TLSClientConfig, err = trustingOnly(opts.tlsCert, opts.tlsKey); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// trustingOnly trusts the program's own certificate, whoever issued it.
func trustingOnly(certFile, keyFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("-tls-cert, -tls-key: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	switch {
	case len(cert.Leaf.DNSNames) > 0:
		config.ServerName = strings.Replace(cert.Leaf.DNSNames[0], "*", "demo", 1)
	case len(cert.Leaf.IPAddresses) > 0:
		config.ServerName = cert.Leaf.IPAddresses[0].String()
	default:
		return nil, errors.New("-tls-cert: the certificate names no host")
	}
	return config, nil
}

// client returns a client with its own cookies; nil keeps none.
func (l *loopback) client(jar http.CookieJar) *http.Client {
	return &http.Client{Transport: l.transport, Jar: jar, Timeout: 5 * time.Second}
}

// login signs userID in from a device with the given User-Agent.
func (l *loopback) login(ctx context.Context, userID, userAgent string) error {
	body, err := json.Marshal(map[string]string{"userId": userID})
	if err != nil {
		return err
	}
	target := l.base.JoinPath("/api/login").String()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	response, err := l.client(nil).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read from it
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

func (l *loopback) close() { l.transport.CloseIdleConnections() }
