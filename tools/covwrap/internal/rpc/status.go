package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Code is a gRPC status code.
type Code int

// The codes, with gRPC's numbers.
const (
	OK Code = iota
	Canceled
	Unknown
	InvalidArgument
	DeadlineExceeded
	NotFound
	AlreadyExists
	PermissionDenied
	ResourceExhausted
	FailedPrecondition
	Aborted
	OutOfRange
	Unimplemented
	Internal
	Unavailable
	DataLoss
	Unauthenticated
)

var codeNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// String returns gRPC's name of the code.
func (c Code) String() string {
	if c < 0 || int(c) >= len(codeNames) {
		return fmt.Sprintf("CODE_%d", int(c))
	}
	return codeNames[c]
}

// Status is how a call failed: what the server said, or what stands for a
// failure on the way.
type Status struct {
	Code    Code
	Message string
	cause   error // on our side; may be nil
}

// Error implements error.
func (s *Status) Error() string {
	if s.Message == "" {
		return s.Code.String()
	}
	return s.Code.String() + ": " + s.Message
}

// Unwrap implements errors.Unwrap.
func (s *Status) Unwrap() error { return s.cause }

// CodeOf returns the code of a call's error; Unknown if it has none.
func CodeOf(err error) Code {
	var s *Status
	switch {
	case err == nil:
		return OK
	case errors.As(err, &s):
		return s.Code
	}
	return Unknown
}

// fromTransport is the status of a call that broke on the way.
func fromTransport(ctx context.Context, err error) *Status {
	code := Unavailable
	switch {
	case ctx.Err() == nil:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		code = DeadlineExceeded
	default:
		code = Canceled
	}
	// http wraps every error into `Post "URL": ...`, where the URL is ours
	// and means nothing to a user.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &Status{Code: code, Message: err.Error(), cause: err}
}

// fromHeaders reads the status in headers or trailers; ok is false if there
// is none.
func fromHeaders(h http.Header) (status *Status, ok bool) {
	text := h.Get("Grpc-Status")
	if text == "" {
		return nil, false
	}
	code, err := strconv.Atoi(text)
	if err != nil || code < 0 {
		return &Status{Code: Unknown, Message: fmt.Sprintf("the server sent the status %q", text)}, true
	}
	message := h.Get("Grpc-Message")
	if decoded, err := url.PathUnescape(message); err == nil {
		message = decoded
	}
	return &Status{Code: Code(code), Message: message}, true
}

// fromHTTP is the status of an answer that no gRPC server gave, but a proxy
// before it: gRPC's doc/http-grpc-status-mapping.md.
func fromHTTP(r *http.Response) *Status {
	code := Unknown
	switch r.StatusCode {
	case http.StatusBadRequest:
		code = Internal
	case http.StatusUnauthorized:
		code = Unauthenticated
	case http.StatusForbidden:
		code = PermissionDenied
	case http.StatusNotFound:
		code = Unimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		code = Unavailable
	}
	return &Status{Code: code, Message: fmt.Sprintf("HTTP status %s, content type %q: this is not a gRPC server",
		r.Status, r.Header.Get("Content-Type"))}
}
