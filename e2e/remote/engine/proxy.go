package engine

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// proxy forwards every gRPC method as raw bytes and changes one answer: casd
// says that it speaks version 2.1 of the protocol at least, Bazel 7 speaks
// 2.0, and nothing that they say to each other differs.
type proxy struct {
	addr   string
	server *grpc.Server
	conn   *grpc.ClientConn
	done   chan error

	mu sync.Mutex
	t  Traffic
}

// Traffic is what went through the proxy.
type Traffic struct {
	Calls    map[string]int // by method, "/package.Service/Method"
	Sent     int64          // bytes of messages to the engine
	Received int64          // and from it
}

// maxMessage is more than either side sends.
const maxMessage = 1 << 30

// startProxy serves on loopback, on a port of the kernel's choice.
func startProxy(backend string) (*proxy, error) {
	p := &proxy{done: make(chan error, 1), t: Traffic{Calls: map[string]int{}}}
	var err error
	p.conn, err = grpc.NewClient(backend,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.conn.Close()
		return nil, err
	}
	p.addr = l.Addr().String()
	p.server = grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(p.forward),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	go func() { p.done <- p.server.Serve(l) }()
	return p, nil
}

// stop ends the proxy and every call that is under way.
func (p *proxy) stop() {
	p.server.Stop()
	<-p.done
	p.conn.Close()
}

// reconnect ends the pause after failed attempts to reach the backend.
func (p *proxy) reconnect() { p.conn.ResetConnectBackoff() }

// traffic returns a copy of the counts so far.
func (p *proxy) traffic() Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.t
	t.Calls = maps.Clone(t.Calls)
	return t
}

// count adds a call, or messages, to the traffic.
func (p *proxy) count(method string, sent, received int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if method != "" {
		p.t.Calls[method]++
	}
	p.t.Sent += int64(sent)
	p.t.Received += int64(received)
}

const capabilities = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities"

// forward is one call of any kind: two pumps, one each way.
func (p *proxy) forward(_ any, in grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(in)
	if !ok {
		return status.Error(codes.Internal, "no method")
	}
	p.count(method, 0, 0)
	md, _ := metadata.FromIncomingContext(in.Context())
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(in.Context(), md.Copy()))
	defer cancel()
	// While the backend is down for a moment, a call waits: what was under way has failed by then.
	out, err := p.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	go func() {
		for {
			var f frame
			if err := in.RecvMsg(&f); err != nil {
				if err == io.EOF {
					out.CloseSend()
				} else {
					cancel()
				}
				return
			}
			p.count("", len(f.bytes), 0)
			if out.SendMsg(&f) != nil {
				return // the other pump has the reason
			}
		}
	}()
	for first := true; ; first = false {
		var f frame
		if err := out.RecvMsg(&f); err != nil {
			in.SetTrailer(out.Trailer())
			if err == io.EOF {
				return nil
			}
			return err
		}
		p.count("", 0, len(f.bytes))
		if first {
			if h, err := out.Header(); err == nil {
				in.SendHeader(h)
			}
		}
		if method == capabilities {
			if f.bytes, err = lowerAPI(f.bytes); err != nil {
				return err
			}
		}
		if err := in.SendMsg(&f); err != nil {
			return err
		}
	}
}

// lowerAPI replaces field 4 (low_api_version, a SemVer whose field 1 is the
// major version) of a ServerCapabilities message by 2.0.
func lowerAPI(msg []byte) ([]byte, error) {
	var out []byte
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(num, typ, msg[n:])
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		if num != 4 {
			out = append(out, msg[:n+m]...)
		}
		msg = msg[n+m:]
	}
	version := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 2)
	return protowire.AppendBytes(protowire.AppendTag(out, 4, protowire.BytesType), version), nil
}

// frame is a message that nobody here decodes.
type frame struct{ bytes []byte }

// rawCodec passes frames through.
type rawCodec struct{}

// Marshal implements encoding.CodecV2.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return nil, fmt.Errorf("raw codec: %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(f.bytes)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return fmt.Errorf("raw codec: %T", v)
	}
	f.bytes = data.Materialize()
	return nil
}

// Name implements encoding.CodecV2.
func (rawCodec) Name() string { return "proto" }

// dialUnix connects to a unix socket.
func dialUnix(path string) (net.Conn, error) { return net.DialTimeout("unix", path, time.Second) }
