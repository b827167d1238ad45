package bep

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// A binary build event file is a sequence of
//
//	+----------------+----------------------+
//	| varint: length | a BuildEvent message |
//	+----------------+----------------------+
//
// (protobuf's "delimited" format). The messages that are read here, with the
// numbers of their fields:
const (
	eventID          = 1  // BuildEventId
	eventStarted     = 5  // BuildStarted
	eventTestResult  = 10 // TestResult
	eventOptions     = 13 // OptionsParsed
	eventFinished    = 14 // BuildFinished
	eventLastMessage = 20 // bool

	idTestResult = 8 // TestResultId

	testIDLabel   = 1
	testIDRun     = 2
	testIDShard   = 3
	testIDAttempt = 4
	testIDConfig  = 5 // ConfigurationId: string id = 1

	startedVersion   = 3
	startedCommand   = 5
	startedWorkspace = 7

	optionsCommandLine = 3

	finishedExitCode = 3 // ExitCode: int32 code = 2

	resultOutput         = 2 // File
	resultDurationMillis = 3 // before Bazel 5
	resultCachedLocally  = 4
	resultStatus         = 5
	resultStartMillis    = 6 // before Bazel 5
	resultExecution      = 8 // ExecutionInfo
	resultDetails        = 9
	resultStart          = 10 // google.protobuf.Timestamp: seconds = 1, nanos = 2
	resultDuration       = 11 // google.protobuf.Duration: the same two

	execStrategy       = 2
	execHost           = 3
	execCachedRemotely = 6
	execExitCode       = 7

	fileName     = 1
	fileURI      = 2
	fileContents = 3
	fileLength   = 6
)

// maxEvent bounds the memory that one event may take: Bazel's own events are
// below 1 MB but for the console output in progress events, which it cuts.
const maxEvent = 256 << 20

// looksBinary: a plausible length, then the tag of an event's id, which comes
// first in every event since protobuf writes fields in the order of their
// numbers, then a length that fits, then the tag of BuildEventId.started or,
// where a build fails before it starts, another short id.
func looksBinary(head []byte) bool {
	size, n := binary.Uvarint(head)
	if n <= 0 || size < 4 || size > maxEvent {
		return false
	}
	body := head[n:]
	if uint64(len(body)) > size {
		body = body[:size]
	}
	if len(body) < 3 || body[0] != eventID<<3|byte(protowire.BytesType) {
		return false
	}
	idLen := int(body[1])
	num, typ, m := protowire.ConsumeTag(body[2:])
	return uint64(idLen)+2 <= size && m > 0 && typ == protowire.BytesType && num < 64
}

// readBinary adds the events of r to b.
func readBinary(r *bufio.Reader, b *Build) error {
	var buf []byte
	for event := 1; ; event++ {
		size, err := binary.ReadUvarint(r)
		switch {
		case err == io.EOF:
			return nil
		case err == io.ErrUnexpectedEOF:
			return fmt.Errorf("event %d: %w", event, ErrTruncated)
		case err != nil:
			return fmt.Errorf("event %d: %w", event, err)
		case size > maxEvent:
			return fmt.Errorf("event %d claims %d bytes, more than any event has: the file is damaged", event, size)
		}
		if buf, err = readN(r, buf, int(size)); err == io.ErrUnexpectedEOF {
			return fmt.Errorf("event %d: %w", event, ErrTruncated)
		} else if err != nil {
			return fmt.Errorf("event %d: %w", event, err)
		}
		if err := b.addEvent(buf); err != nil {
			return fmt.Errorf("event %d is damaged: %w", event, err)
		}
	}
}

// readN reads n bytes into buf's memory, which grows with what really comes:
// a damaged length must not cost memory that the file does not have.
func readN(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	buf = buf[:0]
	for len(buf) < n {
		more := min(step, n-len(buf))
		old := len(buf)
		if cap(buf) < old+more {
			buf = append(buf, make([]byte, more)...)
		} else {
			buf = buf[:old+more]
		}
		if _, err := io.ReadFull(r, buf[old:]); err != nil {
			return buf[:0], io.ErrUnexpectedEOF
		}
	}
	return buf, nil
}

// addEvent decodes one BuildEvent and adds what it tells.
func (b *Build) addEvent(msg []byte) error {
	var id, result []byte
	isTest := false
	err := eachField(msg, func(f field) error {
		switch f.num {
		case eventID:
			id = f.bytes
		case eventStarted:
			return eachField(f.bytes, func(f field) error {
				switch f.num {
				case startedVersion:
					b.ToolVersion = string(f.bytes)
				case startedCommand:
					b.Command = string(f.bytes)
				case startedWorkspace:
					b.Workspace = string(f.bytes)
				}
				return nil
			})
		case eventOptions:
			return eachField(f.bytes, func(f field) error {
				if f.num == optionsCommandLine {
					b.Options = append(b.Options, string(f.bytes))
				}
				return nil
			})
		case eventFinished:
			return eachField(f.bytes, func(f field) error {
				if f.num == finishedExitCode {
					return eachField(f.bytes, func(f field) error {
						if f.num == 2 {
							b.ExitCode = int(int32(f.varint))
						}
						return nil
					})
				}
				return nil
			})
		case eventTestResult:
			isTest, result = true, f.bytes
		case eventLastMessage:
			b.Complete = f.varint != 0
		}
		return nil
	})
	if err != nil || !isTest {
		return err
	}
	var t TestResult
	if err := t.addID(id); err != nil {
		return err
	}
	if err := t.addResult(result); err != nil {
		return err
	}
	if t.Label == "" {
		return errors.New("a test result without a label")
	}
	b.Tests = append(b.Tests, t)
	return nil
}

// addID decodes the BuildEventId of a test result.
func (t *TestResult) addID(msg []byte) error {
	return eachField(msg, func(f field) error {
		if f.num != idTestResult {
			return nil
		}
		return eachField(f.bytes, func(f field) error {
			switch f.num {
			case testIDLabel:
				t.Label = string(f.bytes)
			case testIDRun:
				t.Run = int(int32(f.varint))
			case testIDShard:
				t.Shard = int(int32(f.varint))
			case testIDAttempt:
				t.Attempt = int(int32(f.varint))
			case testIDConfig:
				return eachField(f.bytes, func(f field) error {
					if f.num == 1 {
						t.Configuration = string(f.bytes)
					}
					return nil
				})
			}
			return nil
		})
	})
}

// addResult decodes a TestResult message.
func (t *TestResult) addResult(msg []byte) error {
	return eachField(msg, func(f field) error {
		switch f.num {
		case resultOutput:
			var out File
			if err := out.add(f.bytes); err != nil {
				return err
			}
			t.Outputs = append(t.Outputs, out)
		case resultCachedLocally:
			t.CachedLocally = f.varint != 0
		case resultStatus:
			t.Status = Status(int32(f.varint))
		case resultDetails:
			t.StatusDetails = string(f.bytes)
		case resultStartMillis:
			if t.Start.IsZero() {
				t.Start = time.UnixMilli(int64(f.varint)).UTC()
			}
		case resultStart:
			seconds, nanos, err := secondsNanos(f.bytes)
			if err != nil {
				return err
			}
			t.Start = time.Unix(seconds, nanos).UTC()
		case resultDurationMillis:
			if t.Duration == 0 {
				t.Duration = time.Duration(f.varint) * time.Millisecond
			}
		case resultDuration:
			seconds, nanos, err := secondsNanos(f.bytes)
			if err != nil {
				return err
			}
			t.Duration = time.Duration(seconds)*time.Second + time.Duration(nanos)
		case resultExecution:
			return eachField(f.bytes, func(f field) error {
				switch f.num {
				case execStrategy:
					t.Strategy = string(f.bytes)
				case execHost:
					t.Host = string(f.bytes)
				case execCachedRemotely:
					t.CachedRemotely = f.varint != 0
				case execExitCode:
					t.ExitCode = int(int32(f.varint))
				}
				return nil
			})
		}
		return nil
	})
}

// add decodes a File message.
func (out *File) add(msg []byte) error {
	return eachField(msg, func(f field) error {
		switch f.num {
		case fileName:
			out.Name = string(f.bytes)
		case fileURI:
			out.URI = string(f.bytes)
		case fileContents:
			out.Contents = append([]byte{}, f.bytes...)
		case fileLength:
			out.Length = int64(f.varint)
		}
		return nil
	})
}

// secondsNanos decodes a Timestamp or a Duration.
func secondsNanos(msg []byte) (seconds, nanos int64, err error) {
	err = eachField(msg, func(f field) error {
		switch f.num {
		case 1:
			seconds = int64(f.varint)
		case 2:
			nanos = int64(int32(f.varint))
		}
		return nil
	})
	return seconds, nanos, err
}

// field is one field of a message: the value of a varint, or the bytes of a
// string, bytes or message field. The other wire types do not occur in what
// is read here and have neither.
type field struct {
	num    protowire.Number
	varint uint64
	bytes  []byte
}

// eachField calls fn for every field of a message, in order.
func eachField(msg []byte, fn func(field) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return protowire.ParseError(n)
		}
		msg = msg[n:]
		f := field{num: num}
		switch typ {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(msg)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(msg)
		default:
			n = protowire.ConsumeFieldValue(num, typ, msg)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		msg = msg[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}
