// Package cas fetches blobs from a remote cache: the content-addressable
// storage of the Remote Execution API, over gRPC
// (https://github.com/bazelbuild/remote-apis). It only reads.
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
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/covwrap/covwrap/tools/covwrap/internal/credhelper"
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
	// InstanceName replaces the one in the URIs, unless empty.
	InstanceName string
	// Headers are NAME=VALUE; they need RemoteCache, see [New].
	Headers []string
	// TLSCertificate is a PEM file with certificates to trust in place of the
	// system's; TLSClientCertificate and TLSClientKey identify the client.
	TLSCertificate, TLSClientCertificate, TLSClientKey string
	// CredentialHelpers supply further headers.
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
	headers metadata.MD
	tls     *tls.Config

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn // by target
}

// New checks the options; it does not connect yet.
//
// Headers without RemoteCache are refused: the host would then be whatever
// the build event file names, and a file from elsewhere could have a secret
// sent to a host of its choice.
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
	c := &Client{opts: opts, headers: metadata.MD{}, conns: map[string]*grpc.ClientConn{}}
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
		c.headers.Append(name, value)
	}
	if len(opts.Headers) > 0 && opts.RemoteCache == "" {
		return nil, errors.New("--remote_header needs --remote_cache, so that headers go to no host but yours")
	}
	var err error
	c.tls, err = tlsConfig(&opts)
	return c, err
}

// Close ends all connections.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for target, conn := range c.conns {
		errs = append(errs, conn.Close())
		delete(c.conns, target)
	}
	return errors.Join(errs...)
}

// parseEndpoint takes the value of --remote_cache apart: a gRPC target, and
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
	return "dns:///" + host, useTLS, nil
}

// conn returns the connection that serves ref.
func (c *Client) conn(ref Ref) (*grpc.ClientConn, error) {
	endpoint := c.opts.RemoteCache
	if endpoint == "" {
		endpoint = "grpcs://" + ref.Host
	}
	target, useTLS, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn, ok := c.conns[target]; ok {
		return conn, nil
	}
	transport := insecure.NewCredentials()
	if useTLS {
		transport = credentials.NewTLS(c.tls)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("covwrap"),
		// One message of a stream is at most 4 MiB; a batch is as large as we
		// ask for, plus its frame.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2 * maxBatch)),
	}
	if !c.opts.CredentialHelpers.Empty() {
		options = append(options, grpc.WithPerRPCCredentials(helperCredentials{c.opts.CredentialHelpers}))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("remote cache %s: %w", endpoint, err)
	}
	c.conns[target] = conn
	return conn, nil
}

// instance is the instance name to use for ref.
func (c *Client) instance(ref Ref) string {
	if c.opts.InstanceName != "" {
		return c.opts.InstanceName
	}
	return ref.Instance
}

// withHeaders adds the user's headers to a call.
func (c *Client) withHeaders(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, c.headers.Copy())
}

// helperCredentials asks credential helpers for headers, with the URI that
// Bazel would ask with: "https://HOST/google.bytestream.ByteStream".
type helperCredentials struct{ helpers *credhelper.Set }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (h helperCredentials) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, u := range uri {
		headers, err := h.helpers.Headers(ctx, u)
		if err != nil {
			return nil, err
		}
		for name, values := range headers {
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	return out, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. Bazel
// sends credentials over grpc:// too, if that is what the user asked for.
func (helperCredentials) RequireTransportSecurity() bool { return false }

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
