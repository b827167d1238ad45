// Package rpc makes gRPC calls: one request, any number of answers. It is a
// client on top of net/http, which has had all that gRPC needs of HTTP/2
// since Go 1.24: multiplexing, flow control, trailers, TLS and proxies.
//
// The protocol is gRPC's doc/PROTOCOL-HTTP2.md: a POST to /SERVICE/METHOD
// whose body, both ways, is a sequence of
//
//	+-----------------+----------------+---------+
//	| 0: uncompressed | length, 4 bytes, big-endian | message |
//	+-----------------+----------------+---------+
//
// and whose outcome stands in the trailers grpc-status and grpc-message.
//
// Why not google.golang.org/grpc: it and what it requires would be
// requirements of this module, and so raise the versions of grpc, protobuf
// and golang.org/x/net in every program that imports the embed package and in
// every Bazel workspace that uses the rules. A tool that measures a program
// must not change what is in it.
package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxMessage bounds the memory that one answer may take. gRPC servers send
// 4 MiB at most unless told otherwise.
const maxMessage = 16 << 20

const (
	dialTimeout      = 20 * time.Second
	handshakeTimeout = 20 * time.Second
)

// Conn is a server that calls go to. Safe for concurrent use; it connects
// when the first call is made and again after the connection broke.
type Conn struct {
	base   string // "https://HOST:PORT"
	client *http.Client
}

// Dial returns a Conn to "HOST:PORT" or "unix:PATH". It speaks TLS if config
// is not nil.
func Dial(target string, config *tls.Config) *Conn {
	var protocols http.Protocols
	dialer := &net.Dialer{Timeout: dialTimeout}
	t := &http.Transport{
		Protocols:           &protocols,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: handshakeTimeout, // behind a proxy, where dialTLS is not called
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // HTTP's; gRPC has its own
		DialContext:         dialer.DialContext,
	}
	c := &Conn{base: "http://" + target, client: &http.Client{
		Transport: t,
		// gRPC knows no redirects; following one could carry headers away.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if config != nil {
		c.base = "https://" + target
		protocols.SetHTTP2(true)
		t.Proxy = http.ProxyFromEnvironment
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialTLS(ctx, dialer, network, addr, config)
		}
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		c.base = "http://localhost"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
	}
	return c
}

// HandshakeError is wrapped by the error of a call for which no TLS connection
// could be made, for whatever reason: a certificate, or a server that does not
// speak TLS and just hung up.
type HandshakeError struct{ Err error }

// Error implements error.
func (e *HandshakeError) Error() string { return "TLS handshake: " + e.Err.Error() }

// Unwrap implements errors.Unwrap.
func (e *HandshakeError) Unwrap() error { return e.Err }

// dialTLS connects and shakes hands. http.Transport would do the same, but
// its errors do not tell a handshake that failed from a call that broke.
func dialTLS(ctx context.Context, dialer *net.Dialer, network, addr string, config *tls.Config) (net.Conn, error) {
	raw, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		raw.Close()
		return nil, err
	}
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	if config.ServerName == "" {
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &HandshakeError{err}
	}
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		raw.Close()
		return nil, &HandshakeError{errors.New("the server does not speak HTTP/2")}
	}
	return conn, nil
}

// Close closes the idle connections.
func (c *Conn) Close() { c.client.CloseIdleConnections() }

// Stream is a call that is under way.
type Stream struct {
	ctx    context.Context
	cancel context.CancelFunc
	resp   *http.Response
}

// Call sends a request to a method, "package.Service/Method". Errors are
// *Status. The caller must Close the stream.
func (c *Conn) Call(ctx context.Context, method string, headers http.Header, request []byte) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{ctx: ctx, cancel: cancel}
	body := make([]byte, 5, 5+len(request))
	binary.BigEndian.PutUint32(body[1:], uint32(len(request)))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+method, bytes.NewReader(append(body, request...)))
	if err != nil {
		cancel()
		return nil, &Status{Code: Internal, Message: err.Error(), cause: err}
	}
	for name, values := range headers {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	r.Header.Set("User-Agent", "covwrap")
	if s.resp, err = c.client.Do(r); err != nil {
		defer cancel()
		return nil, fromTransport(ctx, err)
	}
	if status, ok := fromHeaders(s.resp.Header); ok && status.Code != OK {
		s.Close()
		return nil, status
	}
	if s.resp.StatusCode != http.StatusOK || !strings.HasPrefix(s.resp.Header.Get("Content-Type"), "application/grpc") {
		s.Close()
		return nil, fromHTTP(s.resp)
	}
	return s, nil
}

// Recv returns the next answer, io.EOF after the last one of a call that
// succeeded, else a *Status.
func (s *Stream) Recv() ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(s.resp.Body, head[:]); err != nil {
		return nil, s.end(err)
	}
	size := binary.BigEndian.Uint32(head[1:])
	switch {
	case head[0] != 0:
		return nil, &Status{Code: Internal, Message: "the server compressed its answer, which was not asked for"}
	case size > maxMessage:
		return nil, &Status{Code: ResourceExhausted, Message: fmt.Sprintf("an answer of %d bytes; %d are the most", size, maxMessage)}
	}
	msg := make([]byte, size)
	if _, err := io.ReadFull(s.resp.Body, msg); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, s.end(err)
	}
	return msg, nil
}

// end is the error of a stream whose body ended with err.
func (s *Stream) end(err error) error {
	if status, ok := fromHeaders(s.resp.Trailer); ok {
		switch {
		case status.Code != OK:
			return status
		case err == io.EOF:
			return io.EOF
		}
	}
	if status, ok := fromHeaders(s.resp.Header); ok && status.Code == OK && err == io.EOF {
		return io.EOF // an empty success, all in the headers
	}
	if err == io.EOF {
		err = errors.New("the answer ends without a status")
	}
	return fromTransport(s.ctx, err)
}

// Close ends the call, whether all was received or not.
func (s *Stream) Close() {
	s.cancel()
	s.resp.Body.Close()
}

// Unary makes a call with exactly one answer and returns it.
func (c *Conn) Unary(ctx context.Context, method string, headers http.Header, request []byte) ([]byte, error) {
	s, err := c.Call(ctx, method, headers, request)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	msg, err := s.Recv()
	if err == io.EOF {
		return nil, &Status{Code: Internal, Message: "no answer came"}
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.Recv(); err != io.EOF {
		if err == nil {
			err = &Status{Code: Internal, Message: "more than one answer came"}
		}
		return nil, err
	}
	return msg, nil
}
