package cas

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/rpc"
)

// Errors that [BlobError] wraps.
var (
	// ErrNotFound: remote caches drop what nobody used for a while.
	ErrNotFound = errors.New("it is no longer in the remote cache: fetch soon after the build, " +
		"or have the build download it (--remote_download_regex)")
	// ErrDigest: the content that came is not what was asked for.
	ErrDigest = errors.New("the remote cache sent other content than was asked for")
	// ErrDenied: no or wrong credentials.
	ErrDenied = errors.New("the remote cache refuses us: pass the build's --remote_header or --credential_helper")
	// ErrTLS: the two sides disagree on whether the connection is encrypted.
	ErrTLS = errors.New("no TLS connection: if the cache speaks plain gRPC, pass --remote_cache=grpc://HOST:PORT")
)

// BlobError says which blob could not be had, and why.
type BlobError struct {
	Ref Ref
	Err error
}

// Error implements error.
func (e *BlobError) Error() string {
	return fmt.Sprintf("blob %s at %s: %v", e.Ref.Digest, e.Ref.Host, e.Err)
}

// Unwrap implements errors.Unwrap.
func (e *BlobError) Unwrap() error { return e.Err }

// permanent marks an error of ours that no retry can mend.
type permanent struct{ error }

// Unwrap implements errors.Unwrap.
func (p permanent) Unwrap() error { return p.error }

// transient reports whether trying again may help. The codes are those that
// Bazel retries (RemoteRetrier.RETRIABLE_GRPC_ERRORS).
func transient(err error) bool {
	var p permanent
	if errors.As(err, &p) {
		return false
	}
	var s *rpc.Status
	if !errors.As(err, &s) || untrusted(err) {
		return false
	}
	switch s.Code {
	case rpc.Canceled, rpc.Unknown, rpc.DeadlineExceeded, rpc.Aborted,
		rpc.Internal, rpc.Unavailable, rpc.ResourceExhausted:
		return true
	}
	return false
}

// untrusted recognises a handshake that one of the two sides refused.
func untrusted(err error) bool {
	var ours *tls.CertificateVerificationError
	var theirs tls.AlertError
	var noTLS tls.RecordHeaderError
	return errors.As(err, &ours) || errors.As(err, &theirs) || errors.As(err, &noTLS)
}

// explain turns the failures that a user can do something about into errors
// that say what.
func explain(err error) error {
	var p permanent
	if errors.As(err, &p) {
		return p.error
	}
	var named error
	var handshake *rpc.HandshakeError
	switch code := rpc.CodeOf(err); {
	case errors.As(err, &handshake), untrusted(err):
		named = ErrTLS
	case code == rpc.NotFound:
		named = ErrNotFound
	case code == rpc.Unauthenticated, code == rpc.PermissionDenied:
		named = ErrDenied
	default:
		return err
	}
	return fmt.Errorf("%w (%w)", named, err)
}

// retry calls fn until it succeeds, fails for good, or has failed more than
// Retries times in a row without a call of its progress function. The context
// that fn gets ends when no progress was made for the time-out.
func (c *Client) retry(ctx context.Context, fn func(ctx context.Context, progress func()) error) error {
	failures := 0
	for {
		attempt, cancel := context.WithCancelCause(ctx)
		stuck := fmt.Errorf("no answer within %v", c.opts.Timeout)
		timer := time.AfterFunc(c.opts.Timeout, func() { cancel(stuck) })
		err := fn(attempt, func() {
			failures = 0
			timer.Reset(c.opts.Timeout)
		})
		timer.Stop()
		if err != nil && context.Cause(attempt) == stuck {
			err = &rpc.Status{Code: rpc.DeadlineExceeded, Message: stuck.Error()}
		}
		cancel(nil)
		if err == nil || ctx.Err() != nil || !transient(err) {
			if err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		failures++
		if failures > c.opts.Retries {
			return fmt.Errorf("%w (tried %d times)", err, failures)
		}
		if err := c.opts.sleep(ctx, delay(failures)); err != nil {
			return err
		}
	}
}

// delay grows from retryFirst to retryMax, with a tenth of jitter so that the
// clients that one outage hit do not come back all at once.
func delay(failures int) time.Duration {
	d := retryFirst << min(failures-1, 16)
	if d > retryMax {
		d = retryMax
	}
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
