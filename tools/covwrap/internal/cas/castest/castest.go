// Package castest is a remote cache in this process, to test against: blobs
// in memory, served over real gRPC on loopback, with faults on demand.
package castest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	remoteexecution "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/bytestream"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Server is a running cache.
type Server struct {
	Addr string // HOST:PORT

	bytestream.UnimplementedByteStreamServer
	remoteexecution.UnimplementedContentAddressableStorageServer

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
	Headers metadata.MD
}

// Fault says how a call goes wrong.
type Fault struct {
	After int    // a Read sends so many bytes of the blob first
	Err   error  // how the call ends
	Data  []byte // sent in place of the blob, unless nil
	Hang  bool   // no end: until the client goes away
}

// Start serves a cache until the test ends. fault, which may be nil, is asked
// before the n-th call (from 1).
func Start(t testing.TB, fault func(n int, c Call) *Fault, opts ...grpc.ServerOption) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), blobs: map[string][]byte{}, fault: fault}
	g := grpc.NewServer(opts...)
	bytestream.RegisterByteStreamServer(g, s)
	remoteexecution.RegisterContentAddressableStorageServer(g, s)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
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

// called records a call and returns its fault.
func (s *Server) called(ctx context.Context, c Call) *Fault {
	c.Headers, _ = metadata.FromIncomingContext(ctx)
	s.mu.Lock()
	s.calls = append(s.calls, c)
	n := len(s.calls)
	s.mu.Unlock()
	if s.fault == nil {
		return nil
	}
	return s.fault(n, c)
}

// Read implements ByteStream.
func (s *Server) Read(req *bytestream.ReadRequest, stream bytestream.ByteStream_ReadServer) error {
	f := s.called(stream.Context(), Call{Method: "Read", Names: []string{req.ResourceName}, Offset: req.ReadOffset})
	instance, name, ok := strings.Cut("/"+req.ResourceName, "/blobs/")
	if !ok {
		return status.Errorf(codes.InvalidArgument, "resource name %q", req.ResourceName)
	}
	s.mu.Lock()
	data, ok := s.blobs[strings.TrimPrefix(instance, "/")+"|"+name]
	s.mu.Unlock()
	if !ok {
		return status.Errorf(codes.NotFound, "no %s", req.ResourceName)
	}
	if f != nil && f.Data != nil {
		data = f.Data
	}
	data = data[min(req.ReadOffset, int64(len(data))):]
	if req.ReadLimit > 0 {
		data = data[:min(req.ReadLimit, int64(len(data)))]
	}
	if f != nil && f.Data == nil {
		data = data[:min(f.After, len(data))]
	}
	const piece = 1000
	for len(data) > 0 {
		n := min(piece, len(data))
		if err := stream.Send(&bytestream.ReadResponse{Data: data[:n]}); err != nil {
			return err
		}
		data = data[n:]
	}
	return s.end(stream.Context(), f)
}

// end waits or fails as the fault says.
func (s *Server) end(ctx context.Context, f *Fault) error {
	if f == nil {
		return nil
	}
	if f.Hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.Err
}

// BatchReadBlobs implements ContentAddressableStorage.
func (s *Server) BatchReadBlobs(ctx context.Context, req *remoteexecution.BatchReadBlobsRequest) (*remoteexecution.BatchReadBlobsResponse, error) {
	c := Call{Method: "BatchReadBlobs"}
	for _, d := range req.Digests {
		c.Names = append(c.Names, fmt.Sprintf("%s/%d", d.Hash, d.SizeBytes))
	}
	f := s.called(ctx, c)
	if f != nil && f.Data == nil {
		if err := s.end(ctx, f); err != nil {
			return nil, err
		}
	}
	out := new(remoteexecution.BatchReadBlobsResponse)
	for i, d := range req.Digests {
		s.mu.Lock()
		data, ok := s.blobs[req.InstanceName+"|"+c.Names[i]]
		s.mu.Unlock()
		if f != nil && f.Data != nil {
			data = f.Data
		}
		r := &remoteexecution.BatchReadBlobsResponse_Response{Digest: d, Data: data}
		if !ok {
			r.Status = &rpcstatus.Status{Code: int32(codes.NotFound), Message: "no " + c.Names[i]}
		}
		out.Responses = append(out.Responses, r)
	}
	return out, nil
}
