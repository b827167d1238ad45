package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func collect(t *testing.T, msg []byte) ([]Field, error) {
	t.Helper()
	var out []Field
	err := Each(msg, func(f Field) error {
		out = append(out, f)
		return nil
	})
	return out, err
}

// The bytes are those of the encoding guide's own examples, and of every wire
// type.
func TestEach(t *testing.T) {
	msg := []byte{
		0x08, 0x96, 0x01, // 1: 150
		0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g', // 2: "testing"
		0x18, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, // 3: -2
		0x21, 1, 2, 3, 4, 5, 6, 7, 8, // 4: fixed64
		0x2d, 1, 2, 3, 4, // 5: fixed32
		0x82, 0x01, 0x00, // 16: ""
	}
	got, err := collect(t, msg)
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{{1, 150, nil}, {2, 0, []byte("testing")}, {3, 1<<64 - 2, nil}, {4, 0, nil}, {5, 0, nil}, {16, 0, []byte{}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got[2].Int32() != -2 || got[1].String() != "testing" {
		t.Errorf("Int32 %d, String %q", got[2].Int32(), got[1])
	}
	for cut := 1; cut < len(msg); cut++ {
		if fields, err := collect(t, msg[:cut]); err == nil && !reflect.DeepEqual(fields, want[:len(fields)]) {
			t.Errorf("cut at %d: %v", cut, fields)
		}
	}
}

func TestEachDamaged(t *testing.T) {
	for text, cut := range map[string]bool{
		"\x80":         true, // half a tag
		"\x00":         true, // field 0
		"\x08":         true, // no value
		"\x08\x80":     true, // half a value
		"\x12\x05abcd": true, // five bytes, four there
		"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": true, // a length beyond any memory
		"\x21\x01": true,  // half a fixed64
		"\x0b\x0c": false, // a group
	} {
		_, err := collect(t, []byte(text))
		if err == nil || errors.Is(err, ErrCut) != cut {
			t.Errorf("%q: %v", text, err)
		}
	}
	stop := errors.New("stop")
	if err := Each([]byte{0x08, 1, 0x08, 2}, func(Field) error { return stop }); err != stop {
		t.Errorf("an error of fn comes back as %v", err)
	}
}

func TestAppend(t *testing.T) {
	got := AppendBytes(AppendBytes(AppendVarint(nil, 1, 150), 2, "testing"), 16, []byte{})
	want := []byte{0x08, 0x96, 0x01, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g', 0x82, 0x01, 0x00}
	if !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

// What is read and written again is read the same.
func FuzzEach(f *testing.F) {
	f.Add([]byte{0x08, 0x96, 0x01, 0x12, 0x01, 't', 0x21, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, msg []byte) {
		first, err := collect(t, msg)
		if err != nil {
			return
		}
		var again []byte
		for _, f := range first {
			if f.Bytes != nil {
				again = AppendBytes(again, f.Num, f.Bytes)
			} else {
				again = AppendVarint(again, f.Num, f.Varint)
			}
		}
		second, err := collect(t, again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%v, then %v, %v", first, second, err)
		}
	})
}

// TestMessage reads every kind of place, and passes over what is not wanted.
func TestMessage(t *testing.T) {
	var inner []byte
	inner = AppendBytes(inner, 1, "deep")
	inner = AppendVarint(inner, 7, 7)
	var msg []byte
	for i, v := range []string{"s", "one", "raw"} {
		msg = AppendBytes(msg, i+1, v)
	}
	msg = AppendBytes(msg, 2, "two")
	msg = AppendVarint(msg, 4, 1<<64-2)
	msg = AppendVarint(msg, 5, 1<<40)
	msg = AppendVarint(msg, 6, 1)
	msg = AppendBytes(msg, 7, inner)
	msg = AppendVarint(msg, 8, 8)
	msg = AppendVarint(msg, 9, 9)
	var got struct {
		s, deep string
		list    []string
		raw     []byte
		i       int
		n       int64
		b       bool
		seen    []Field
	}
	m := Message{1: &got.s, 2: &got.list, 3: &got.raw, 4: &got.i, 5: &got.n, 6: &got.b, 7: Message{1: &got.deep},
		8: func(f Field) error { got.seen = append(got.seen, f); return nil }}
	if err := m.Read(msg); err != nil {
		t.Fatal(err)
	}
	want := got
	want.s, want.deep, want.list, want.raw, want.i, want.n, want.b, want.seen = "s", "deep", []string{"one", "two"}, []byte("raw"), -2, 1<<40, true, []Field{{8, 8, nil}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	broken := errors.New("broken")
	if err := (Message{7: Message{7: func(Field) error { return broken }}}).Read(msg); err != broken {
		t.Errorf("an error inside: %v", err)
	}
}
