package cas

import (
	"crypto/md5"  // #nosec: the remote cache's choice, not ours
	"crypto/sha1" // #nosec: the same
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// Digest names a blob by its content.
type Digest struct {
	Function string // "sha256", "blake3", ... in lower case
	Hash     string // lower-case hexadecimal
	Size     int64
}

// String returns "HASH/SIZE", as remote caches' own tools print it.
func (d Digest) String() string { return fmt.Sprintf("%s/%d", d.Hash, d.Size) }

// functions lists the digest functions whose hashes have a length of their
// own, by that length: resource names leave the function out for these
// (REAPI: "the digest function is inferred from the length of the hash").
var functions = map[int]string{32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}

// inferable reports whether resource names leave d's function out.
func (d Digest) inferable() bool { return functions[len(d.Hash)] == d.Function }

// newHash returns a hash to check d with, or nil for a function that Go's
// standard library lacks (blake3): then only the size can be checked.
func (d Digest) newHash() hash.Hash {
	switch d.Function {
	case "md5":
		return md5.New() // #nosec
	case "sha1":
		return sha1.New() // #nosec
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// Ref says where a blob is: a bytestream:// URI taken apart.
type Ref struct {
	Host     string // "host" or "host:port"; whether it speaks TLS is not said
	Instance string // may contain slashes, may be empty
	Digest   Digest
}

// ParseURI parses "bytestream://HOST/INSTANCE/blobs/FUNCTION/HASH/SIZE",
// where INSTANCE and FUNCTION may be missing, as Bazel writes it into build
// event files (ByteStreamBuildEventArtifactUploader.java).
func ParseURI(uri string) (Ref, error) {
	ref, err := parseURI(uri)
	if err != nil {
		return Ref{}, fmt.Errorf("%q is not a bytestream URI: %w", uri, err)
	}
	return ref, nil
}

func parseURI(uri string) (Ref, error) {
	rest, ok := strings.CutPrefix(uri, "bytestream://")
	if !ok {
		return Ref{}, errors.New(`it does not begin with "bytestream://"`)
	}
	parts := strings.Split(rest, "/")
	// An instance may itself have a part called "blobs": the last one counts.
	at := -1
	for i := len(parts) - 1; i > 0; i-- {
		if parts[i] == "blobs" {
			at = i
			break
		}
	}
	if at < 0 {
		return Ref{}, errors.New(`no "/blobs/" in it`)
	}
	ref := Ref{Host: parts[0], Instance: strings.Join(parts[1:at], "/")}
	if ref.Host == "" {
		return Ref{}, errors.New("no host in it")
	}
	blob := parts[at+1:]
	switch len(blob) {
	case 2:
		ref.Digest.Function = functions[len(blob[0])]
	case 3:
		ref.Digest.Function = strings.ToLower(blob[0])
		blob = blob[1:]
	default:
		return Ref{}, errors.New(`what follows "/blobs/" is not HASH/SIZE`)
	}
	if ref.Digest.Function == "" {
		return Ref{}, fmt.Errorf("the hash %q has no digest function's length", blob[0])
	}
	if _, err := hex.DecodeString(blob[0]); err != nil || strings.ToLower(blob[0]) != blob[0] {
		return Ref{}, fmt.Errorf("the hash %q is not lower-case hexadecimal", blob[0])
	}
	ref.Digest.Hash = blob[0]
	size, err := strconv.ParseInt(blob[1], 10, 64)
	if err != nil || size < 0 {
		return Ref{}, fmt.Errorf("the size %q is not a number of bytes", blob[1])
	}
	ref.Digest.Size = size
	return ref, nil
}

// resourceName is what ByteStream.Read calls the blob, in the given instance.
func (d Digest) resourceName(instance string) string {
	name := "blobs/"
	if instance != "" {
		name = instance + "/blobs/"
	}
	if !d.inferable() {
		name += d.Function + "/"
	}
	return name + d.String()
}
