// Package cas fetches blobs from a remote cache: the content-addressable
// storage of the Remote Execution API, over gRPC
// (https://github.com/bazelbuild/remote-apis,
// build/bazel/remote/execution/v2/remote_execution.proto). It only reads.
//
// Every blob is checked against its digest before the caller learns that it
// is there. Transient failures are retried, a stream from where it broke.
package cas

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/credhelper"
	"github.com/covwrap/covwrap/tools/covwrap/internal/rpc"
)

// Defaults of [Options], Bazel's own where Bazel has the flag.
const (
	DefaultRetries = 5
	DefaultTimeout = 60 * time.Second
	retryFirst     = 100 * time.Millisecond
	retryMax       = 5 * time.Second
)

// Options say how to reach a remote cache. The fields carry the names and the
// meaning of Bazel's flags, so that a user can copy them from a .bazelrc.
type Options struct {
	// RemoteCache is grpcs://HOST:PORT, grpc://HOST:PORT, HOST:PORT (TLS, as
	// in Bazel) or unix:PATH. Empty: the host in each blob's URI, over TLS.
	RemoteCache string
	// PlainHosts are the HOST:PORT in URIs that speak no TLS.
	PlainHosts []string
	// InstanceName replaces the one in the URIs, unless empty.
	InstanceName string
	// Headers are NAME=VALUE.
	Headers []string
	// TLSCertificate is a PEM file with certificates to trust in place of the
	// system's; TLSClientCertificate and TLSClientKey identify the client.
	TLSCertificate, TLSClientCertificate, TLSClientKey string
	// CredentialHelpers supply further headers. Both need RemoteCache, see [New].
	CredentialHelpers *credhelper.Set
	// Retries is how often a transient failure is tried again without any
	// progress; Timeout bounds each wait for an answer. 0: the defaults.
	Retries int
	Timeout time.Duration

	sleep func(context.Context, time.Duration) error // for tests
}

// Client fetches blobs. Safe for concurrent use.
type Client struct {
	opts    Options
	headers http.Header
	tls     *tls.Config

	mu    sync.Mutex
	conns map[string]*rpc.Conn // by target
}

// New checks the options; it does not connect yet.
//
// Headers and helpers without RemoteCache are refused: the host would then be
// whatever the build event file names, and a file from elsewhere could have a
// secret sent to a host of its choice.
func New(opts Options) (*Client, error) {
	if opts.Retries == 0 {
		opts.Retries = DefaultRetries
	}
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.sleep == nil {
		opts.sleep = sleep
	}
	c := &Client{opts: opts, headers: http.Header{}, conns: map[string]*rpc.Conn{}}
	if opts.RemoteCache != "" {
		if _, _, err := parseEndpoint(opts.RemoteCache); err != nil {
			return nil, err
		}
	}
	for _, h := range opts.Headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--remote_header=%s is not NAME=VALUE", h)
		}
		c.headers.Add(name, value)
	}
	if (len(opts.Headers) > 0 || !opts.CredentialHelpers.Empty()) && opts.RemoteCache == "" {
		return nil, errors.New("--remote_header and --credential_helper need --remote_cache, so that secrets go to no host but yours")
	}
	var err error
	c.tls, err = tlsConfig(&opts)
	return c, err
}

// Close ends all connections.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for target, conn := range c.conns {
		conn.Close()
		delete(c.conns, target)
	}
}

// parseEndpoint takes the value of --remote_cache apart: what to dial, and
// whether it speaks TLS.
func parseEndpoint(s string) (target string, useTLS bool, err error) {
	if strings.HasPrefix(s, "unix:") {
		return s, false, nil
	}
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		scheme, host = "grpcs", s
	}
	host = strings.TrimSuffix(host, "/")
	port := "443"
	switch scheme {
	case "grpcs":
		useTLS = true
	case "grpc":
		port = "80"
	default:
		return "", false, fmt.Errorf("--remote_cache=%s: %s:// is not supported, only grpc:// and grpcs://; "+
			"have the build download its test outputs instead (--remote_download_outputs=all)", s, scheme)
	}
	if host == "" || strings.ContainsAny(host, "/ ") {
		return "", false, fmt.Errorf("--remote_cache=%s: %q is not HOST or HOST:PORT", s, host)
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return host, useTLS, nil
}

// service is a gRPC service at a server.
type service struct {
	conn   *rpc.Conn
	name   string // "google.bytestream.ByteStream"
	client *Client
	uri    string // what credential helpers are asked for
}

// service returns the service of that name that has ref.
func (c *Client) service(ref Ref, name string) (*service, error) {
	endpoint := c.opts.RemoteCache
	if endpoint == "" {
		endpoint = "grpcs://" + ref.Host
		if slices.Contains(c.opts.PlainHosts, ref.Host) {
			endpoint = "grpc://" + ref.Host
		}
	}
	target, useTLS, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	conn, ok := c.conns[target]
	if !ok {
		config := c.tls
		if !useTLS {
			config = nil
		}
		conn = rpc.Dial(target, config)
		c.conns[target] = conn
	}
	// As grpc-java, and so Bazel, writes it: https whatever the transport, and
	// no port if it is that of https.
	uri := "https://" + strings.TrimSuffix(target, ":443") + "/" + name
	return &service{conn: conn, name: name, client: c, uri: uri}, nil
}

// call makes a call of one of the service's methods, with all headers.
func (s *service) call(ctx context.Context, method string, request []byte) (*rpc.Stream, error) {
	headers, err := s.headers(ctx)
	if err != nil {
		return nil, err
	}
	return s.conn.Call(ctx, s.name+"/"+method, headers, request)
}

// headers are the user's and the credential helpers', which win as in Bazel.
func (s *service) headers(ctx context.Context) (http.Header, error) {
	fromHelper, err := s.client.opts.CredentialHelpers.Headers(ctx, s.uri)
	if err != nil {
		return nil, permanent{fmt.Errorf("%w: %w", ErrDenied, err)}
	}
	headers := maps.Clone(s.client.headers)
	for name, values := range fromHelper {
		headers[http.CanonicalHeaderKey(name)] = values
	}
	return headers, nil
}

// instance is the instance name to use for ref.
func (c *Client) instance(ref Ref) string {
	if c.opts.InstanceName != "" {
		return c.opts.InstanceName
	}
	return ref.Instance
}

// tlsConfig reads the certificates that the options name.
func tlsConfig(opts *Options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if opts.TLSCertificate != "" {
		pem, err := os.ReadFile(opts.TLSCertificate)
		if err != nil {
			return nil, fmt.Errorf("--tls_certificate: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls_certificate: no PEM certificate in %q", opts.TLSCertificate)
		}
	}
	if (opts.TLSClientCertificate == "") != (opts.TLSClientKey == "") {
		return nil, errors.New("--tls_client_certificate and --tls_client_key need each other")
	}
	if opts.TLSClientKey != "" {
		pair, err := tls.LoadX509KeyPair(opts.TLSClientCertificate, opts.TLSClientKey)
		if err != nil {
			return nil, fmt.Errorf("--tls_client_certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
