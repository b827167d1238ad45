package cas

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// blockSize is how much of a blob one call brings. A zip archive's directory
// and the few small members that are wanted of it lie in a handful of blocks.
const blockSize = 256 << 10

// maxBlocks is how many blocks a [Reader] keeps.
const maxBlocks = 16

// Reader reads parts of a blob, as io.ReaderAt. What it reads cannot be
// checked against the digest, which is that of the whole: it is for formats
// with checksums of their own. Safe for concurrent use.
type Reader struct {
	c   *Client
	ctx context.Context
	ref Ref

	mu     sync.Mutex
	blocks map[int64][]byte
	order  []int64 // of blocks, the oldest first
}

// NewReader returns a Reader of the blob. It reads nothing yet.
func (c *Client) NewReader(ctx context.Context, ref Ref) *Reader {
	return &Reader{c: c, ctx: ctx, ref: ref, blocks: map[int64][]byte{}}
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("blob %s: offset %d", r.ref.Digest, off)
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= r.ref.Digest.Size {
			return done, io.EOF
		}
		block, err := r.block(at / blockSize)
		if err != nil {
			return done, err
		}
		done += copy(p[done:], block[at%blockSize:])
	}
	return done, nil
}

// block returns the n-th block.
func (r *Reader) block(n int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.blocks[n]; ok {
		return b, nil
	}
	b, err := r.c.getRange(r.ctx, r.ref, n*blockSize, min(blockSize, r.ref.Digest.Size-n*blockSize))
	if err != nil {
		return nil, &BlobError{Ref: r.ref, Err: explain(err)}
	}
	if len(r.order) == maxBlocks {
		delete(r.blocks, r.order[0])
		r.order = r.order[1:]
	}
	r.blocks[n], r.order = b, append(r.order, n)
	return b, nil
}

// getRange fetches size bytes from offset on.
func (c *Client) getRange(ctx context.Context, ref Ref, offset, size int64) ([]byte, error) {
	byteStream, err := c.service(ref, "google.bytestream.ByteStream")
	if err != nil {
		return nil, err
	}
	var out []byte
	err = c.retry(ctx, func(ctx context.Context, progress func()) error {
		done := int64(len(out))
		if done == size {
			return nil
		}
		return c.stream(ctx, byteStream, ref, offset+done, size-done, func(data []byte) error {
			out = append(out, data...)
			progress()
			if int64(len(out)) > size {
				return permanent{fmt.Errorf("%w: more than the %d bytes at %d that were asked for came", ErrDigest, size, offset)}
			}
			return nil
		})
	})
	if err == nil && int64(len(out)) != size {
		err = fmt.Errorf("%w: %d bytes came for %d at %d", ErrDigest, len(out), size, offset)
	}
	return out, err
}
