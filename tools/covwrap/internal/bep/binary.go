package bep

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/wire"
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
	testIDConfig  = 5 // ConfigurationId

	configID = 1

	startedVersion   = 3
	startedCommand   = 5
	startedWorkspace = 7

	optionsCommandLine = 3

	finishedExitCode = 3 // ExitCode

	exitCode = 2

	resultOutput         = 2 // File
	resultDurationMillis = 3 // before Bazel 5
	resultCachedLocally  = 4
	resultStatus         = 5
	resultStartMillis    = 6 // before Bazel 5
	resultExecution      = 8 // ExecutionInfo
	resultDetails        = 9
	resultStart          = 10 // google.protobuf.Timestamp
	resultDuration       = 11 // google.protobuf.Duration, which has the same fields

	timeSeconds = 1
	timeNanos   = 2

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

// bytesType is the wire type of messages, the low three bits of a tag.
const bytesType = 2

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
	if len(body) < 3 || body[0] != eventID<<3|bytesType {
		return false
	}
	idLen := uint64(body[1])
	tag, m := binary.Uvarint(body[2:])
	return idLen+2 <= size && m > 0 && tag&7 == bytesType && tag>>3 < 64
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
	err := wire.Message{
		eventID: &id,
		eventStarted: wire.Message{
			startedVersion:   &b.ToolVersion,
			startedCommand:   &b.Command,
			startedWorkspace: &b.Workspace,
		},
		eventOptions:  wire.Message{optionsCommandLine: &b.Options},
		eventFinished: wire.Message{finishedExitCode: wire.Message{exitCode: &b.ExitCode}},
		eventTestResult: func(f wire.Field) error {
			isTest, result = true, f.Bytes
			return nil
		},
		eventLastMessage: &b.Complete,
	}.Read(msg)
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
	return wire.Message{idTestResult: wire.Message{
		testIDLabel:   &t.Label,
		testIDRun:     &t.Run,
		testIDShard:   &t.Shard,
		testIDAttempt: &t.Attempt,
		testIDConfig:  wire.Message{configID: &t.Configuration},
	}}.Read(msg)
}

// addResult decodes a TestResult message.
func (t *TestResult) addResult(msg []byte) error {
	return wire.Message{
		resultOutput: func(f wire.Field) error {
			var out File
			err := out.add(f.Bytes)
			t.Outputs = append(t.Outputs, out)
			return err
		},
		resultCachedLocally: &t.CachedLocally,
		resultStatus:        (*int)(&t.Status),
		resultDetails:       &t.StatusDetails,
		resultStartMillis: func(f wire.Field) error {
			if t.Start.IsZero() {
				t.Start = time.UnixMilli(int64(f.Varint)).UTC()
			}
			return nil
		},
		resultStart: func(f wire.Field) error {
			seconds, nanos, err := secondsNanos(f.Bytes)
			t.Start = time.Unix(seconds, nanos).UTC()
			return err
		},
		resultDurationMillis: func(f wire.Field) error {
			if t.Duration == 0 {
				t.Duration = time.Duration(f.Varint) * time.Millisecond
			}
			return nil
		},
		resultDuration: func(f wire.Field) error {
			seconds, nanos, err := secondsNanos(f.Bytes)
			t.Duration = time.Duration(seconds)*time.Second + time.Duration(nanos)
			return err
		},
		resultExecution: wire.Message{
			execStrategy:       &t.Strategy,
			execHost:           &t.Host,
			execCachedRemotely: &t.CachedRemotely,
			execExitCode:       &t.ExitCode,
		},
	}.Read(msg)
}

// add decodes a File message.
func (out *File) add(msg []byte) error {
	return wire.Message{
		fileName: &out.Name,
		fileURI:  &out.URI,
		fileContents: func(f wire.Field) error {
			out.Contents = append([]byte{}, f.Bytes...) // the event's memory is used again
			return nil
		},
		fileLength: &out.Length,
	}.Read(msg)
}

// secondsNanos decodes a Timestamp or a Duration.
func secondsNanos(msg []byte) (seconds, nanos int64, err error) {
	err = wire.Message{timeSeconds: &seconds, timeNanos: &nanos}.Read(msg)
	return seconds, int64(int32(nanos)), err
}
