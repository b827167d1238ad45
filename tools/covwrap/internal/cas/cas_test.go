package cas

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cas/castest"
	"github.com/covwrap/covwrap/tools/covwrap/internal/credhelper"
	"github.com/covwrap/covwrap/tools/covwrap/internal/rpc"
)

// newClient returns a client that does not wait between tries; waits, unless
// nil, gets what it would have waited.
func newClient(t *testing.T, opts Options, waits *[]time.Duration) *Client {
	t.Helper()
	opts.sleep = func(ctx context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return ctx.Err()
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func mustParse(t *testing.T, uri string) Ref {
	t.Helper()
	ref, err := ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestGet(t *testing.T) {
	s := castest.Start(t, nil, nil)
	big := bytes.Repeat([]byte("0123456789"), 1000)
	for _, instance := range []string{"", "main", "a/b"} {
		ref := mustParse(t, s.Put(instance, big))
		var got bytes.Buffer
		if err := newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil).Get(context.Background(), ref, &got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), big) {
			t.Errorf("instance %q: got %d bytes that differ from the %d put", instance, got.Len(), len(big))
		}
	}
}

func TestInstanceNameOverride(t *testing.T) {
	s := castest.Start(t, nil, nil)
	ref := mustParse(t, s.Put("real", []byte("x")))
	ref.Instance = "other"
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, InstanceName: "real"}, nil)
	var got bytes.Buffer
	if err := c.Get(context.Background(), ref, &got); err != nil || got.String() != "x" {
		t.Errorf("got %q, %v; want x", got.String(), err)
	}
}

// A stream that breaks goes on at the byte where it broke, and a break after
// progress does not use up the tries.
func TestGetResumes(t *testing.T) {
	blob := bytes.Repeat([]byte("abcdefghij"), 1000)
	s := castest.Start(t, func(n int, c castest.Call) *castest.Fault {
		if n <= 4 {
			return &castest.Fault{After: 1000, Cut: true}
		}
		if n <= 8 {
			return &castest.Fault{After: 1000, Err: &rpc.Status{Code: rpc.Unavailable, Message: "going down"}}
		}
		return nil
	}, nil)
	ref := mustParse(t, s.Put("", blob))
	var waits []time.Duration
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, Retries: 2}, &waits)
	var got bytes.Buffer
	if err := c.Get(context.Background(), ref, &got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), blob) {
		t.Error("the resumed blob differs")
	}
	var offsets []int64
	for _, call := range s.Calls() {
		offsets = append(offsets, call.Offset)
	}
	if want := []int64{0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000}; !reflect.DeepEqual(offsets, want) {
		t.Errorf("offsets %v, want %v", offsets, want)
	}
	for i, d := range waits {
		if d < 90*time.Millisecond || d > 110*time.Millisecond {
			t.Errorf("wait %d after progress is %v, want about the first one, %v", i, d, retryFirst)
		}
	}
}

func TestGetGivesUp(t *testing.T) {
	s := castest.Start(t, func(int, castest.Call) *castest.Fault {
		return &castest.Fault{Err: &rpc.Status{Code: rpc.Unavailable, Message: "going down"}}
	}, nil)
	ref := mustParse(t, s.Put("", []byte("x")))
	var waits []time.Duration
	err := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, Retries: 8}, &waits).Get(context.Background(), ref, new(bytes.Buffer))
	want := fmt.Sprintf("blob 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881/1 at %s: "+
		"UNAVAILABLE: going down (tried 9 times)", s.Addr)
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %v", err, want)
	}
	if n := len(s.Calls()); n != 9 {
		t.Errorf("%d calls, want 9", n)
	}
	for i, want := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		want *= time.Millisecond
		if waits[i] < want*9/10 || waits[i] > want*11/10 {
			t.Errorf("wait %d is %v, want %v within a tenth", i, waits[i], want)
		}
	}
}

func TestErrors(t *testing.T) {
	wrong := []byte("wrong")
	for _, tc := range []struct {
		name  string
		fault *castest.Fault
		blob  string
		want  error
		calls int
	}{
		{"not found", &castest.Fault{Err: &rpc.Status{Code: rpc.NotFound, Message: "evicted"}}, "blob!", ErrNotFound, 1},
		{"unauthenticated", &castest.Fault{Err: &rpc.Status{Code: rpc.Unauthenticated, Message: "who?"}}, "blob!", ErrDenied, 1},
		{"permission denied", &castest.Fault{Err: &rpc.Status{Code: rpc.PermissionDenied, Message: "no"}}, "blob!", ErrDenied, 1},
		{"other content", &castest.Fault{Data: wrong}, "blob!", ErrDigest, 1},
		{"too long", &castest.Fault{Data: wrong}, "blob", ErrDigest, 1},
		{"too short", &castest.Fault{Data: wrong}, "blob!!", ErrDigest, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := castest.Start(t, func(int, castest.Call) *castest.Fault { return tc.fault }, nil)
			ref := mustParse(t, s.Put("", []byte(tc.blob)))
			c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil)
			if err := c.Get(context.Background(), ref, new(bytes.Buffer)); !errors.Is(err, tc.want) {
				t.Errorf("Get: %v, want %v", err, tc.want)
			}
			if n := len(s.Calls()); n != tc.calls {
				t.Errorf("%d calls, want %d", n, tc.calls)
			}
			c.GetBatch(context.Background(), []Ref{ref}, func(_ Ref, _ []byte, err error) {
				if !errors.Is(err, tc.want) {
					t.Errorf("GetBatch: %v, want %v", err, tc.want)
				}
			})
		})
	}
}

// A server that stops answering is left after the time-out, also between two
// pieces of a stream.
func TestTimeout(t *testing.T) {
	s := castest.Start(t, func(n int, c castest.Call) *castest.Fault {
		if n == 1 {
			return &castest.Fault{After: 2000, Hang: true}
		}
		return nil
	}, nil)
	blob := bytes.Repeat([]byte("x"), 5000)
	ref := mustParse(t, s.Put("", blob))
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, Timeout: 3 * time.Second}, nil)
	var got bytes.Buffer
	if err := c.Get(context.Background(), ref, &got); err != nil || !bytes.Equal(got.Bytes(), blob) {
		t.Errorf("got %d bytes, %v", got.Len(), err)
	}
	if calls := s.Calls(); len(calls) != 2 || calls[1].Offset != 2000 {
		t.Errorf("calls %+v, want a second one from byte 2000", calls)
	}
}

func TestCancel(t *testing.T) {
	hanging := make(chan struct{})
	s := castest.Start(t, func(int, castest.Call) *castest.Fault {
		close(hanging)
		return &castest.Fault{Hang: true}
	}, nil)
	ref := mustParse(t, s.Put("", []byte("x")))
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-hanging; cancel() }()
	if err := c.Get(ctx, ref, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestGetBatch(t *testing.T) {
	s := castest.Start(t, func(n int, c castest.Call) *castest.Fault {
		if n == 1 {
			return &castest.Fault{Err: &rpc.Status{Code: rpc.Unavailable, Message: "warming up"}}
		}
		return nil
	}, nil)
	var refs []Ref
	want := map[string]string{}
	for i := range 40 {
		data := bytes.Repeat([]byte{byte(i)}, 200<<10) // 8 MB: more than one call may carry
		if i == 0 {
			data = nil
		}
		ref := mustParse(t, s.Put("i", data))
		refs = append(refs, ref)
		want[ref.Digest.String()] = string(data)
	}
	refs = append(refs, refs[3]) // twice
	gone := refs[5]
	gone.Digest.Hash = strings.Repeat("0", 64)
	refs = append(refs, gone)
	seen := map[string]int{}
	newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil).GetBatch(context.Background(), refs, func(ref Ref, data []byte, err error) {
		seen[ref.Digest.String()]++
		if ref == gone {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("the blob that is not there: %v, want %v", err, ErrNotFound)
			}
			return
		}
		if err != nil || string(data) != want[ref.Digest.String()] {
			t.Errorf("%s: %d bytes, %v", ref.Digest, len(data), err)
		}
	})
	for _, ref := range refs {
		n := 1
		if ref == refs[3] {
			n = 2
		}
		if seen[ref.Digest.String()] != n {
			t.Errorf("%s came %d times, want %d", ref.Digest, seen[ref.Digest.String()], n)
		}
	}
	// 39 blobs of 200 KiB, 20 of which fit into a call; the first call failed.
	if n := len(s.Calls()); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}

func TestHeaders(t *testing.T) {
	s := castest.Start(t, nil, nil)
	ref := mustParse(t, s.Put("", []byte("x")))
	dir := t.TempDir()
	helper, asked := filepath.Join(dir, "helper"), filepath.Join(dir, "asked")
	script := "#!/bin/sh\necho \"$@\" >" + asked + "\ncat >>" + asked + "\necho '{\"headers\": {\"Authorization\": [\"Bearer t0ken\"]}}'\n"
	if err := os.WriteFile(helper, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	helpers, err := credhelper.New([]string{"127.0.0.1=" + helper}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, Headers: []string{"X-Key=a=b", "X-Key=c"}, CredentialHelpers: helpers}, nil)
	if err := c.Get(context.Background(), ref, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	got := s.Calls()[0].Headers
	if !reflect.DeepEqual(got["X-Key"], []string{"a=b", "c"}) {
		t.Errorf("x-key is %q", got["X-Key"])
	}
	if !reflect.DeepEqual(got["Authorization"], []string{"Bearer t0ken"}) {
		t.Errorf("authorization is %q", got["Authorization"])
	}
	text, err := os.ReadFile(asked)
	want := "get\n" + `{"uri":"https://` + s.Addr + `/google.bytestream.ByteStream"}`
	if err != nil || string(text) != want {
		t.Errorf("the helper was asked %q (%v), want %q", text, err, want)
	}
}

func TestFailingHelper(t *testing.T) {
	s := castest.Start(t, nil, nil)
	ref := mustParse(t, s.Put("", []byte("x")))
	helper := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(helper, []byte("#!/bin/sh\necho 'log in first' >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	helpers, err := credhelper.New([]string{helper}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr, CredentialHelpers: helpers}, nil)
	err = c.Get(context.Background(), ref, new(bytes.Buffer))
	if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "exit status 3; it said: log in first") {
		t.Errorf("got %v", err)
	}
	if n := len(s.Calls()); n != 0 {
		t.Errorf("%d calls without credentials", n)
	}
}

func TestHeadersNeedAnEndpoint(t *testing.T) {
	_, err := New(Options{Headers: []string{"k=v"}})
	want := "--remote_header and --credential_helper need --remote_cache, so that secrets go to no host but yours"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestTLS(t *testing.T) {
	cert, certFile, keyFile := selfSigned(t)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	s := castest.Start(t, nil, &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
	})
	ref := mustParse(t, s.Put("", []byte("secret")))
	get := func(opts Options) (string, error) {
		var b bytes.Buffer
		err := newClient(t, opts, nil).Get(context.Background(), ref, &b)
		return b.String(), err
	}
	// Without --remote_cache: the host in the URI, over TLS.
	got, err := get(Options{TLSCertificate: certFile, TLSClientCertificate: certFile, TLSClientKey: keyFile})
	if err != nil || got != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := get(Options{}); !errors.Is(err, ErrTLS) {
		t.Errorf("a certificate that nobody trusts: %v, want %v", err, ErrTLS)
	}
	plain := castest.Start(t, nil, nil)
	ref = mustParse(t, plain.Put("", []byte("secret")))
	if _, err := get(Options{}); !errors.Is(err, ErrTLS) {
		t.Errorf("TLS to a plain server: %v, want %v", err, ErrTLS)
	}
}

// selfSigned makes a certificate for 127.0.0.1, in memory and in files.
func selfSigned(t *testing.T) (tls.Certificate, string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	if err := errors.Join(os.WriteFile(certFile, certPEM, 0o644), os.WriteFile(keyFile, keyPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	pair.Leaf, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func TestParseEndpoint(t *testing.T) {
	for _, tc := range []struct {
		in, target string
		tls        bool
		err        string
	}{
		{"grpcs://host", "host:443", true, ""},
		{"grpcs://host:8980", "host:8980", true, ""},
		{"grpcs://host:8980/", "host:8980", true, ""},
		{"grpc://host", "host:80", false, ""},
		{"grpc://[::1]:5", "[::1]:5", false, ""},
		{"grpc://[::1]", "[::1]:80", false, ""},
		{"host:1985", "host:1985", true, ""},
		{"unix:/run/cas.sock", "unix:/run/cas.sock", false, ""},
		{"http://host", "", false, "--remote_cache=http://host: http:// is not supported, only grpc:// and grpcs://; " +
			"have the build download its test outputs instead (--remote_download_outputs=all)"},
		{"grpc://", "", false, `--remote_cache=grpc://: "" is not HOST or HOST:PORT`},
		{"grpc://a/b", "", false, `--remote_cache=grpc://a/b: "a/b" is not HOST or HOST:PORT`},
	} {
		target, useTLS, err := parseEndpoint(tc.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if target != tc.target || useTLS != tc.tls || text != tc.err {
			t.Errorf("%s: %q, %v, %q; want %q, %v, %q", tc.in, target, useTLS, text, tc.target, tc.tls, tc.err)
		}
	}
}

func TestParseURI(t *testing.T) {
	sha := strings.Repeat("a1", 32)
	for _, tc := range []struct {
		in   string
		want Ref
		err  string
	}{
		{"bytestream://h:1/blobs/" + sha + "/9", Ref{"h:1", "", Digest{"sha256", sha, 9}}, ""},
		{"bytestream://h/i/blobs/" + sha + "/0", Ref{"h", "i", Digest{"sha256", sha, 0}}, ""},
		{"bytestream://h/blobs/x/blobs/" + sha + "/0", Ref{"h", "blobs/x", Digest{"sha256", sha, 0}}, ""},
		{"bytestream://h/i/j/blobs/blake3/" + sha + "/7", Ref{"h", "i/j", Digest{"blake3", sha, 7}}, ""},
		{"file:///x", Ref{}, `it does not begin with "bytestream://"`},
		{"bytestream://h/" + sha + "/9", Ref{}, `no "/blobs/" in it`},
		{"bytestream:///blobs/" + sha + "/9", Ref{}, "no host in it"},
		{"bytestream://h/blobs/" + sha, Ref{}, `what follows "/blobs/" is not HASH/SIZE`},
		{"bytestream://h/blobs/abc/9", Ref{}, `the hash "abc" has no digest function's length`},
		{"bytestream://h/blobs/" + strings.ToUpper(sha) + "/9", Ref{}, `the hash "` + strings.ToUpper(sha) + `" is not lower-case hexadecimal`},
		{"bytestream://h/blobs/" + sha + "/-1", Ref{}, `the size "-1" is not a number of bytes`},
	} {
		got, err := ParseURI(tc.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		want := tc.err
		if want != "" {
			want = fmt.Sprintf("%q is not a bytestream URI: %s", tc.in, tc.err)
		}
		if got != tc.want || text != want {
			t.Errorf("%s: %+v, %q; want %+v, %q", tc.in, got, text, tc.want, want)
		}
	}
}

// Whatever parses is asked for by the name that it came with.
func FuzzParseURI(f *testing.F) {
	sha := strings.Repeat("a1", 32)
	f.Add("bytestream://h:1/i/blobs/" + sha + "/9")
	f.Add("bytestream://h/blobs/blake3/" + sha + "/9")
	f.Fuzz(func(t *testing.T, uri string) {
		ref, err := ParseURI(uri)
		if err != nil {
			return
		}
		again, err := ParseURI("bytestream://" + ref.Host + "/" + ref.Digest.resourceName(ref.Instance))
		if err != nil || again != ref {
			t.Errorf("%q: %+v, then %+v, %v", uri, ref, again, err)
		}
	})
}
