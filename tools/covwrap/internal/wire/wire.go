// Package wire reads and writes protobuf's wire format
// (https://protobuf.dev/programming-guides/encoding/), as much of it as a
// handful of messages of which a handful of fields matter need.
//
// It stands in for google.golang.org/protobuf, which is excellent and would be
// a requirement of this module: every program that imports the embed package
// would have its own version of protobuf raised by a coverage tool.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Wire types, the low three bits of a tag.
const (
	typeVarint  = 0
	typeFixed64 = 1
	typeBytes   = 2
	typeFixed32 = 5
)

// ErrCut is wrapped by the errors of messages that end too early.
var ErrCut = errors.New("the message is cut short")

// Field is one field of a message.
type Field struct {
	Num    int
	Varint uint64 // of a varint field (numbers, bools, enums); else 0
	Bytes  []byte // of a length-delimited field (strings, bytes, messages), inside the message; else nil
}

// String returns the field's bytes as a string.
func (f Field) String() string { return string(f.Bytes) }

// Int32 returns an int32 or enum, whose negative values are sign-extended to
// ten bytes on the wire.
func (f Field) Int32() int { return int(int32(f.Varint)) }

// Each calls fn for every field of a message in order, until one fails.
// Fixed-width fields are passed with neither value: nothing here reads any.
func Each(msg []byte, fn func(Field) error) error {
	for len(msg) > 0 {
		tag, n := binary.Uvarint(msg)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return fmt.Errorf("%w or damaged: no tag where a field should begin", ErrCut)
		}
		msg = msg[n:]
		f := Field{Num: int(tag >> 3)}
		var size uint64
		switch tag & 7 {
		case typeVarint:
			if f.Varint, n = binary.Uvarint(msg); n <= 0 {
				return fmt.Errorf("%w: field %d has no value", ErrCut, f.Num)
			}
			size = uint64(n)
		case typeFixed64:
			size = 8
		case typeFixed32:
			size = 4
		case typeBytes:
			length, n := binary.Uvarint(msg)
			if n <= 0 || length > uint64(len(msg)-n) {
				return fmt.Errorf("%w: field %d is longer than what is left", ErrCut, f.Num)
			}
			f.Bytes = msg[n : n+int(length) : n+int(length)]
			size = uint64(n) + length
		default:
			return fmt.Errorf("field %d has wire type %d, which is not used any more", f.Num, tag&7)
		}
		if size > uint64(len(msg)) {
			return fmt.Errorf("%w: field %d is longer than what is left", ErrCut, f.Num)
		}
		msg = msg[size:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

// Message is what is wanted of a message: by a field's number, where it goes. That is
// a Message for the message inside, a pointer to a string, to strings (each is
// appended), to bytes (which stay inside the message), to an int (an int32 or
// enum), an int64 or a bool, or a function.
type Message map[int]any

// Read reads a message; fields that are not wanted are passed over.
func (m Message) Read(msg []byte) error {
	return Each(msg, func(f Field) error {
		switch to := m[f.Num].(type) {
		case nil:
		case Message:
			return to.Read(f.Bytes)
		case func(Field) error:
			return to(f)
		case *string:
			*to = f.String()
		case *[]string:
			*to = append(*to, f.String())
		case *[]byte:
			*to = f.Bytes
		case *int:
			*to = f.Int32()
		case *int64:
			*to = int64(f.Varint)
		case *bool:
			*to = f.Varint != 0
		default:
			panic(fmt.Sprintf("wire: field %d cannot go into a %T", f.Num, to))
		}
		return nil
	})
}

// AppendVarint appends a number, bool or enum field.
func AppendVarint(b []byte, num int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(num)<<3|typeVarint), v)
}

// AppendBytes appends a string, bytes or message field.
func AppendBytes[T string | []byte](b []byte, num int, v T) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|typeBytes)
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
