package cas

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cas/castest"
)

// randomBytes returns n bytes in which no part looks like another.
func randomBytes(n int) []byte {
	var seed [32]byte
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func TestReader(t *testing.T) {
	blob := randomBytes(3*blockSize + 1000)
	s := castest.Start(t, func(n int, c castest.Call) *castest.Fault {
		if n == 2 {
			return &castest.Fault{After: 5000, Cut: true}
		}
		return nil
	}, nil)
	ref := mustParse(t, s.Put("", blob))
	c := newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil)
	r := c.NewReader(context.Background(), ref)
	got := make([]byte, 2000)
	if n, err := r.ReadAt(got, 2*blockSize-1000); n != 2000 || err != nil || !bytes.Equal(got, blob[2*blockSize-1000:][:2000]) {
		t.Errorf("over the edge of a block: %d bytes, %v", n, err)
	}
	var offsets []int64
	for _, call := range s.Calls() {
		offsets = append(offsets, call.Offset, call.Limit)
	}
	// Two blocks; the second broke after 5000 bytes and went on there.
	want := []int64{blockSize, blockSize, 2 * blockSize, blockSize, 2*blockSize + 5000, blockSize - 5000}
	if len(offsets) != len(want) {
		t.Fatalf("offsets and limits %v, want %v", offsets, want)
	}
	for i := range want {
		if offsets[i] != want[i] {
			t.Fatalf("offsets and limits %v, want %v", offsets, want)
		}
	}
	if err := iotest.TestReader(io.NewSectionReader(r, 0, ref.Digest.Size), blob); err != nil {
		t.Error(err)
	}
	if n := len(s.Calls()); n != 5 {
		t.Errorf("%d calls, want 5: two blocks more, and none twice", n)
	}
	if n, err := r.ReadAt(got, ref.Digest.Size-10); n != 10 || err != io.EOF {
		t.Errorf("over the end: %d, %v", n, err)
	}
}

// A server that sends too little or too much is not believed.
func TestReaderWrongLength(t *testing.T) {
	for _, data := range [][]byte{[]byte("short"), randomBytes(2 * blockSize)} {
		s := castest.Start(t, func(int, castest.Call) *castest.Fault { return &castest.Fault{Data: data, IgnoreLimit: true} }, nil)
		ref := mustParse(t, s.Put("", randomBytes(blockSize)))
		r := newClient(t, Options{RemoteCache: "grpc://" + s.Addr}, nil).NewReader(context.Background(), ref)
		if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrDigest) {
			t.Errorf("%d bytes: %v, want %v", len(data), err, ErrDigest)
		}
	}
}
