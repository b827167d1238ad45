package cas

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/covwrap/covwrap/tools/covwrap/internal/rpc"
	"github.com/covwrap/covwrap/tools/covwrap/internal/wire"
)

const (
	// maxBatch is how many bytes one BatchReadBlobs may ask for: REAPI gives
	// 4 MiB as what gRPC accepts by default, from which the messages' own
	// bytes must come off.
	maxBatch = 4<<20 - 64<<10
	// maxBatched is the largest blob that travels in a batch. Above it, the
	// round trip that a stream costs no longer matters.
	maxBatched = 256 << 10
)

// Batchable reports whether a blob is small enough for [Client.GetBatch].
func Batchable(ref Ref) bool { return ref.Digest.Size <= maxBatched }

// Get writes the blob to w. On error, part of it may have been written.
//
// Errors wrap [ErrNotFound], [ErrDigest], [ErrDenied] or what gRPC said, and
// name the blob.
func (c *Client) Get(ctx context.Context, ref Ref, w io.Writer) error {
	if err := c.get(ctx, ref, w); err != nil {
		return &BlobError{Ref: ref, Err: explain(err)}
	}
	return nil
}

func (c *Client) get(ctx context.Context, ref Ref, w io.Writer) error {
	check := ref.Digest.newHash()
	if check != nil {
		w = io.MultiWriter(w, check)
	}
	var done int64
	// The empty blob exists in every cache by definition (REAPI), but not
	// every cache serves it.
	if ref.Digest.Size > 0 {
		byteStream, err := c.service(ref, "google.bytestream.ByteStream")
		if err != nil {
			return err
		}
		err = c.retry(ctx, func(ctx context.Context, progress func()) error {
			// A stream that broke goes on where it stopped.
			return c.stream(ctx, byteStream, ref, done, 0, func(data []byte) error {
				n, err := w.Write(data)
				done += int64(n)
				progress()
				if err != nil {
					return permanent{err}
				}
				if done > ref.Digest.Size {
					return permanent{fmt.Errorf("%w: more than %d bytes came", ErrDigest, ref.Digest.Size)}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	if done != ref.Digest.Size {
		return fmt.Errorf("%w: %d bytes came, not %d", ErrDigest, done, ref.Digest.Size)
	}
	if check != nil {
		if got := hex.EncodeToString(check.Sum(nil)); got != ref.Digest.Hash {
			return fmt.Errorf("%w: the %s of what came is %s", ErrDigest, ref.Digest.Function, got)
		}
	}
	return nil
}

// Fields of ByteStream's messages (googleapis, google/bytestream/bytestream.proto).
const (
	readRequestResourceName = 1
	readRequestOffset       = 2
	readRequestLimit        = 3
	readResponseData        = 10
)

// stream reads the blob from offset on, limit bytes unless that is 0, and
// hands each piece to fn.
func (c *Client) stream(ctx context.Context, byteStream *service, ref Ref, offset, limit int64, fn func([]byte) error) error {
	request := wire.AppendBytes(nil, readRequestResourceName, ref.Digest.resourceName(c.instance(ref)))
	if offset > 0 {
		request = wire.AppendVarint(request, readRequestOffset, uint64(offset))
	}
	if limit > 0 {
		request = wire.AppendVarint(request, readRequestLimit, uint64(limit))
	}
	s, err := byteStream.call(ctx, "Read", request)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		msg, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = wire.Each(msg, func(f wire.Field) error {
			if f.Num == readResponseData {
				return fn(f.Bytes)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// GetBatch fetches small blobs with as few calls as possible and calls fn
// once for each, in an order of its own, with its content or its error. The
// content belongs to fn.
//
// All blobs must be [Batchable]; they may be in different instances or even
// caches.
func (c *Client) GetBatch(ctx context.Context, refs []Ref, fn func(ref Ref, data []byte, err error)) {
	for _, batch := range batches(refs) {
		c.getBatch(ctx, batch, fn)
	}
}

// batches splits refs into groups that one call can serve: same host, same
// instance, same digest function, not too large together.
func batches(refs []Ref) [][]Ref {
	type place struct{ host, instance, function string }
	open := map[place]int{} // index of the batch that still has room
	sizes := []int64{}
	var out [][]Ref
	for _, ref := range refs {
		key := place{ref.Host, ref.Instance, ref.Digest.Function}
		cost := ref.Digest.Size + 256 // its digest and frame
		i, ok := open[key]
		if !ok || sizes[i]+cost > maxBatch {
			i = len(out)
			open[key] = i
			out, sizes = append(out, nil), append(sizes, 0)
		}
		out[i] = append(out[i], ref)
		sizes[i] += cost
	}
	return out
}

// getBatch fetches one batch. Blobs that fail for a transient reason are
// asked for again.
func (c *Client) getBatch(ctx context.Context, refs []Ref, fn func(Ref, []byte, error)) {
	waiting := map[Digest][]Ref{} // the same blob may be asked for twice
	for _, ref := range refs {
		waiting[ref.Digest] = append(waiting[ref.Digest], ref)
	}
	settle := func(d Digest, data []byte, err error) {
		for _, ref := range waiting[d] {
			if err != nil {
				fn(ref, nil, &BlobError{Ref: ref, Err: explain(err)})
			} else {
				fn(ref, append([]byte(nil), data...), nil)
			}
		}
		delete(waiting, d)
	}
	if _, ok := waiting[emptyOf(refs[0])]; ok {
		settle(emptyOf(refs[0]), nil, nil)
	}
	storage, err := c.service(refs[0], "build.bazel.remote.execution.v2.ContentAddressableStorage")
	if err == nil {
		err = c.retry(ctx, func(ctx context.Context, progress func()) error {
			return c.askBatch(ctx, storage, refs[0], waiting, func(d Digest, data []byte, err error) {
				progress()
				settle(d, data, err)
			})
		})
	}
	for d := range waiting {
		if err == nil {
			err = errors.New("the server's answer does not mention it")
		}
		settle(d, nil, err)
	}
}

// emptyOf returns the digest of the empty blob in ref's function.
func emptyOf(ref Ref) Digest {
	h := ref.Digest.newHash()
	if h == nil {
		return Digest{Size: -1}
	}
	return Digest{Function: ref.Digest.Function, Hash: hex.EncodeToString(h.Sum(nil))}
}

// Fields of the messages of BatchReadBlobs (REAPI, remote_execution.proto).
const (
	batchRequestInstance = 1
	batchRequestDigests  = 2
	batchRequestFunction = 4
	batchResponses       = 1 // of BatchReadBlobsResponse; its fields:
	batchResponseDigest  = 1
	batchResponseData    = 2
	batchResponseStatus  = 3 // google.rpc.Status: code = 1, message = 2
	digestHash           = 1
	digestSize           = 2
)

// askBatch makes one call for all that waits. It settles what is final and
// returns an error that allows another try if something is not.
func (c *Client) askBatch(ctx context.Context, storage *service, like Ref, waiting map[Digest][]Ref,
	settle func(Digest, []byte, error)) error {
	if len(waiting) == 0 {
		return nil
	}
	var request []byte
	if instance := c.instance(like); instance != "" {
		request = wire.AppendBytes(request, batchRequestInstance, instance)
	}
	for d := range waiting {
		digest := wire.AppendBytes(nil, digestHash, d.Hash)
		request = wire.AppendBytes(request, batchRequestDigests, wire.AppendVarint(digest, digestSize, uint64(d.Size)))
	}
	if !like.Digest.inferable() {
		request = wire.AppendVarint(request, batchRequestFunction, functionNumbers[like.Digest.Function])
	}
	s, err := storage.call(ctx, "BatchReadBlobs", request)
	if err != nil {
		return err
	}
	defer s.Close()
	answer, err := s.Recv()
	if err != nil {
		return err
	}
	var again error
	err = wire.Each(answer, func(f wire.Field) error {
		if f.Num != batchResponses {
			return nil
		}
		d, data, status, err := batchResponse(f.Bytes)
		if err != nil {
			return err
		}
		d.Function = like.Digest.Function
		if _, ok := waiting[d]; !ok {
			return nil // not asked for: nothing of ours
		}
		switch {
		case status.Code == rpc.OK:
			settle(d, data, verify(d, data))
		case transient(status):
			again = status
		default:
			settle(d, nil, status)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return again
}

// batchResponse decodes the answer for one blob.
func batchResponse(msg []byte) (d Digest, data []byte, status *rpc.Status, err error) {
	status = new(rpc.Status)
	err = wire.Each(msg, func(f wire.Field) error {
		switch f.Num {
		case batchResponseDigest:
			return wire.Each(f.Bytes, func(f wire.Field) error {
				switch f.Num {
				case digestHash:
					d.Hash = f.String()
				case digestSize:
					d.Size = int64(f.Varint)
				}
				return nil
			})
		case batchResponseData:
			data = f.Bytes
		case batchResponseStatus:
			return wire.Each(f.Bytes, func(f wire.Field) error {
				switch f.Num {
				case 1:
					status.Code = rpc.Code(f.Int32())
				case 2:
					status.Message = f.String()
				}
				return nil
			})
		}
		return nil
	})
	return d, data, status, err
}

// functionNumbers are those of the protocol's enum DigestFunction.Value which
// a hash's length does not tell.
var functionNumbers = map[string]uint64{"vso": 4, "murmur3": 7, "sha256tree": 8, "blake3": 9}

// verify checks data against its digest.
func verify(d Digest, data []byte) error {
	if int64(len(data)) != d.Size {
		return fmt.Errorf("%w: %d bytes came, not %d", ErrDigest, len(data), d.Size)
	}
	h := d.newHash()
	if h == nil {
		return nil
	}
	h.Write(data)
	if got := hex.EncodeToString(h.Sum(nil)); got != d.Hash {
		return fmt.Errorf("%w: the %s of what came is %s", ErrDigest, d.Function, got)
	}
	return nil
}
