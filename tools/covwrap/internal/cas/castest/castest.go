// Package castest is a remote cache in this process, to test against: blobs
// in memory, served over gRPC on loopback, with faults on demand. e2e/remote
// tests against caches of other people's.
package castest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/rpc"
	"github.com/covwrap/covwrap/tools/covwrap/internal/wire"
)

// Server is a running cache.
type Server struct {
	Addr string // HOST:PORT

	mu    sync.Mutex
	blobs map[string][]byte // "INSTANCE|HASH/SIZE"
	calls []Call
	fault func(n int, c Call) *Fault
}

// Call is one request that arrived.
type Call struct {
	Method  string   // "Read" or "BatchReadBlobs"
	Names   []string // the resource name, or the digests "HASH/SIZE"
	Offset  int64    // of a Read
	Limit   int64    // of a Read; 0 is none
	Headers http.Header
}

// Fault says how a call goes wrong.
type Fault struct {
	After int         // a Read sends so many bytes of the blob first
	Err   *rpc.Status // how the call ends
	Data  []byte      // sent in place of the blob, unless nil
	Hang  bool        // no end: until the client goes away
	Cut   bool        // the connection breaks, without a status

	IgnoreLimit bool // a Read sends all, whatever was asked for
}

// Start serves a cache until the test ends, over TLS if config is not nil.
// fault, which may be nil, is asked before the n-th call (from 1).
func Start(t testing.TB, fault func(n int, c Call) *Fault, config *tls.Config) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), blobs: map[string][]byte{}, fault: fault}
	var protocols http.Protocols
	h := &http.Server{Handler: s, Protocols: &protocols, TLSConfig: config}
	done := make(chan error, 1)
	if config != nil {
		protocols.SetHTTP2(true)
		go func() { done <- h.ServeTLS(l, "", "") }()
	} else {
		protocols.SetUnencryptedHTTP2(true)
		go func() { done <- h.Serve(l) }()
	}
	t.Cleanup(func() {
		h.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the test's remote cache: %v", err)
		}
	})
	return s
}

// Put stores a blob and returns its bytestream URI.
func (s *Server) Put(instance string, data []byte) string {
	sum := sha256.Sum256(data)
	name := fmt.Sprintf("%s/%d", hex.EncodeToString(sum[:]), len(data))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[instance+"|"+name] = data
	prefix := s.Addr
	if instance != "" {
		prefix += "/" + instance
	}
	return "bytestream://" + prefix + "/blobs/" + name
}

// Calls returns the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// ServeHTTP implements http.Handler: one gRPC call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) < 5 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		finish(w, &rpc.Status{Code: rpc.InvalidArgument, Message: "not one gRPC message"})
		return
	}
	switch r.URL.Path {
	case "/google.bytestream.ByteStream/Read":
		s.read(w, r, body[5:])
	case "/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchReadBlobs":
		s.batch(w, r, body[5:])
	default:
		finish(w, &rpc.Status{Code: rpc.Unimplemented, Message: r.URL.Path})
	}
}

// send writes one message.
func send(w http.ResponseWriter, msg []byte) {
	head := make([]byte, 5)
	binary.BigEndian.PutUint32(head[1:], uint32(len(msg)))
	w.Write(head)
	w.Write(msg)
	w.(http.Flusher).Flush()
}

// finish ends a call with a status; nil is OK.
func finish(w http.ResponseWriter, status *rpc.Status) {
	if status == nil {
		status = new(rpc.Status)
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(int(status.Code)))
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", url.PathEscape(status.Message))
}

// end ends a call as the fault says.
func end(w http.ResponseWriter, r *http.Request, f *Fault) {
	switch {
	case f == nil:
		finish(w, nil)
	case f.Hang:
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case f.Cut:
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	default:
		finish(w, f.Err)
	}
}

// called records a call and returns its fault.
func (s *Server) called(r *http.Request, c Call) *Fault {
	c.Headers = r.Header
	s.mu.Lock()
	s.calls = append(s.calls, c)
	n := len(s.calls)
	s.mu.Unlock()
	if s.fault == nil {
		return nil
	}
	return s.fault(n, c)
}

// read serves ByteStream.Read.
func (s *Server) read(w http.ResponseWriter, r *http.Request, request []byte) {
	var name string
	var offset, limit int64
	err := wire.Each(request, func(f wire.Field) error {
		switch f.Num {
		case 1:
			name = f.String()
		case 2:
			offset = int64(f.Varint)
		case 3:
			limit = int64(f.Varint)
		}
		return nil
	})
	if err != nil {
		finish(w, &rpc.Status{Code: rpc.InvalidArgument, Message: err.Error()})
		return
	}
	f := s.called(r, Call{Method: "Read", Names: []string{name}, Offset: offset, Limit: limit})
	instance, digest, _ := strings.Cut("/"+name, "/blobs/")
	s.mu.Lock()
	data, ok := s.blobs[strings.TrimPrefix(instance, "/")+"|"+digest]
	s.mu.Unlock()
	if !ok {
		finish(w, &rpc.Status{Code: rpc.NotFound, Message: "no " + name})
		return
	}
	if f != nil && f.Data != nil {
		data = f.Data
	}
	data = data[min(offset, int64(len(data))):]
	if limit > 0 && (f == nil || !f.IgnoreLimit) {
		data = data[:min(limit, int64(len(data)))]
	}
	if f != nil && f.Data == nil {
		data = data[:min(f.After, len(data))]
	}
	const piece = 1000
	for len(data) > 0 {
		n := min(piece, len(data))
		send(w, wire.AppendBytes(nil, 10, data[:n]))
		data = data[n:]
	}
	end(w, r, f)
}

// batch serves ContentAddressableStorage.BatchReadBlobs.
func (s *Server) batch(w http.ResponseWriter, r *http.Request, request []byte) {
	c := Call{Method: "BatchReadBlobs"}
	var instance string
	var digests [][]byte
	err := wire.Each(request, func(f wire.Field) error {
		switch f.Num {
		case 1:
			instance = f.String()
		case 2:
			digests = append(digests, f.Bytes)
			var hash string
			var size uint64
			if err := wire.Each(f.Bytes, func(f wire.Field) error {
				switch f.Num {
				case 1:
					hash = f.String()
				case 2:
					size = f.Varint
				}
				return nil
			}); err != nil {
				return err
			}
			c.Names = append(c.Names, fmt.Sprintf("%s/%d", hash, size))
		}
		return nil
	})
	if err != nil {
		finish(w, &rpc.Status{Code: rpc.InvalidArgument, Message: err.Error()})
		return
	}
	f := s.called(r, c)
	if f != nil && f.Data == nil {
		end(w, r, f)
		return
	}
	var answer []byte
	for i, name := range c.Names {
		one := wire.AppendBytes(nil, 1, digests[i])
		s.mu.Lock()
		data, ok := s.blobs[instance+"|"+name]
		s.mu.Unlock()
		if f != nil {
			data = f.Data
		}
		if ok {
			one = wire.AppendBytes(one, 2, data)
		} else {
			one = wire.AppendBytes(one, 3, wire.AppendBytes(wire.AppendVarint(nil, 1, uint64(rpc.NotFound)), 2, "no "+name))
		}
		answer = wire.AppendBytes(answer, 1, one)
	}
	send(w, answer)
	finish(w, nil)
}
