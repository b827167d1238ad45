package cas

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	remoteexecution "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
		conn, err := c.conn(ref)
		if err != nil {
			return err
		}
		client := bytestream.NewByteStreamClient(conn)
		err = c.retry(ctx, func(ctx context.Context, progress func()) error {
			// A stream that broke goes on where it stopped.
			return c.stream(ctx, client, ref, done, func(data []byte) error {
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

// stream reads the blob from offset on and hands each piece to fn.
func (c *Client) stream(ctx context.Context, client bytestream.ByteStreamClient, ref Ref, offset int64, fn func([]byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream when fn fails
	s, err := client.Read(ctx, &bytestream.ReadRequest{
		ResourceName: ref.Digest.resourceName(c.instance(ref)),
		ReadOffset:   offset,
	})
	if err != nil {
		return err
	}
	for {
		r, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(r.GetData()); err != nil {
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
	type service struct{ host, instance, function string }
	open := map[service]int{} // index of the batch that still has room
	sizes := []int64{}
	var out [][]Ref
	for _, ref := range refs {
		key := service{ref.Host, ref.Instance, ref.Digest.Function}
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
	conn, err := c.conn(refs[0])
	if err == nil {
		client := remoteexecution.NewContentAddressableStorageClient(conn)
		err = c.retry(ctx, func(ctx context.Context, progress func()) error {
			return c.askBatch(ctx, client, refs[0], waiting, func(d Digest, data []byte, err error) {
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

// askBatch makes one call for all that waits. It settles what is final and
// returns an error that allows another try if something is not.
func (c *Client) askBatch(ctx context.Context, client remoteexecution.ContentAddressableStorageClient,
	like Ref, waiting map[Digest][]Ref, settle func(Digest, []byte, error)) error {
	if len(waiting) == 0 {
		return nil
	}
	request := &remoteexecution.BatchReadBlobsRequest{InstanceName: c.instance(like)}
	if !like.Digest.inferable() {
		request.DigestFunction = digestFunction(like.Digest.Function)
	}
	for d := range waiting {
		request.Digests = append(request.Digests, &remoteexecution.Digest{Hash: d.Hash, SizeBytes: d.Size})
	}
	answer, err := client.BatchReadBlobs(ctx, request)
	if err != nil {
		return err
	}
	var again error
	for _, r := range answer.GetResponses() {
		d := Digest{Function: like.Digest.Function, Hash: r.GetDigest().GetHash(), Size: r.GetDigest().GetSizeBytes()}
		if _, ok := waiting[d]; !ok {
			continue // not asked for: nothing of ours
		}
		if code := codes.Code(r.GetStatus().GetCode()); code != codes.OK {
			err := status.Error(code, r.GetStatus().GetMessage())
			if transient(err) {
				again = err
			} else {
				settle(d, nil, err)
			}
			continue
		}
		settle(d, r.GetData(), verify(d, r.GetData()))
	}
	return again
}

// digestFunction is the protocol's number for a function by name.
func digestFunction(name string) remoteexecution.DigestFunction_Value {
	for number, n := range remoteexecution.DigestFunction_Value_name {
		if strings.EqualFold(n, name) {
			return remoteexecution.DigestFunction_Value(number)
		}
	}
	return remoteexecution.DigestFunction_UNKNOWN
}

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
