package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// serve answers every call with h, over HTTP/2 without TLS.
func serve(t *testing.T, h http.HandlerFunc) *Conn {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return Dial(strings.TrimPrefix(s.URL, "http://"), nil)
}

// answer writes raw bytes as a gRPC answer, then the trailers.
func answer(body string, trailers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc+proto")
		io.WriteString(w, body)
		for i := 0; i < len(trailers); i += 2 {
			w.Header().Set(http.TrailerPrefix+trailers[i], trailers[i+1])
		}
	}
}

func TestCall(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "\x00\x00\x00\x00\x04ping" {
			t.Errorf("the request's body is %q, %v", body, err)
		}
		if r.URL.Path != "/p.S/M" || r.Method != "POST" || r.ProtoMajor != 2 || r.Header.Get("Content-Type") != "application/grpc" ||
			r.Header.Get("Te") != "trailers" || r.Header.Get("X-K") != "v" {
			t.Errorf("the request is %s %s %v", r.Method, r.URL, r.Header)
		}
		answer("\x00\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05three", "Grpc-Status", "0")(w, r)
	})
	s, err := c.Call(context.Background(), "p.S/M", http.Header{"X-K": {"v"}}, []byte("ping"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range []string{"one", "", "three"} {
		if got, err := s.Recv(); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("after the last answer: %v, want %v", err, io.EOF)
	}
}

func TestStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
		code    Code
	}{
		"ok": {answer("\x00\x00\x00\x00\x01x", "Grpc-Status", "0"), "", OK},
		"after an answer": {answer("\x00\x00\x00\x00\x01x", "Grpc-Status", "8", "Grpc-Message", "quota%3A 5%25"),
			"RESOURCE_EXHAUSTED: quota: 5%", ResourceExhausted},
		"no message":    {answer("", "Grpc-Status", "5"), "NOT_FOUND", NotFound},
		"unknown code":  {answer("", "Grpc-Status", "99"), "CODE_99", 99},
		"no number":     {answer("", "Grpc-Status", "good"), `UNKNOWN: the server sent the status "good"`, Unknown},
		"no status":     {answer("\x00\x00\x00\x00\x01x"), "UNAVAILABLE: the answer ends without a status", Unavailable},
		"half a length": {answer("\x00\x00"), "UNAVAILABLE: unexpected EOF", Unavailable},
		"half a message": {answer("\x00\x00\x00\x00\x05ab", "Grpc-Status", "0"),
			"UNAVAILABLE: unexpected EOF", Unavailable},
		"no answer":   {answer("", "Grpc-Status", "0"), "INTERNAL: no answer came", Internal},
		"two answers": {answer("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "Grpc-Status", "0"), "INTERNAL: more than one answer came", Internal},
		"compressed":  {answer("\x01\x00\x00\x00\x01x", "Grpc-Status", "0"), "INTERNAL: the server compressed its answer, which was not asked for", Internal},
		"too large": {answer("\x00\xff\xff\xff\xffx", "Grpc-Status", "0"),
			"RESOURCE_EXHAUSTED: an answer of 4294967295 bytes; 16777216 are the most", ResourceExhausted},
		"only headers": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16")
			w.Header().Set("Grpc-Message", "log in")
		}, "UNAUTHENTICATED: log in", Unauthenticated},
		"proxy": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "down", http.StatusBadGateway) },
			`UNAVAILABLE: HTTP status 502 Bad Gateway, content type "text/plain; charset=utf-8": this is not a gRPC server`, Unavailable},
		"web server": {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") },
			`UNKNOWN: HTTP status 200 OK, content type "text/html; charset=utf-8": this is not a gRPC server`, Unknown},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
			`UNKNOWN: HTTP status 302 Found, content type "": this is not a gRPC server`, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, tc.handler).Unary(context.Background(), "p.S/M", nil, nil)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tc.want || CodeOf(err) != tc.code {
				t.Errorf("got %q (%v), want %q (%v)", text, CodeOf(err), tc.want, tc.code)
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: answer("\x00\x00\x00\x00\x02ok", "Grpc-Status", "0"), Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	go s.Serve(l)
	defer s.Close()
	got, err := Dial("unix:"+path, nil).Unary(context.Background(), "p.S/M", nil, nil)
	if err != nil || string(got) != "ok" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Nobody listens; the caller gives up: each has its own code.
func TestTransport(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, err = Dial(addr, nil).Unary(context.Background(), "p.S/M", nil, nil)
	if CodeOf(err) != Unavailable || err.Error() != "UNAVAILABLE: dial tcp "+addr+": connect: connection refused" {
		t.Errorf("nobody listens: %v", err)
	}
	arrived := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	if _, err := c.Unary(ctx, "p.S/M", nil, nil); CodeOf(err) != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
