// Package overlay puts covwrap's runtime into the standard library, as seen by
// one build: every program that a `go build -cover` makes with it keeps its
// counters in a file, with no change to the program's own source.
//
//	GOFLAGS="-cover -overlay=FILE" go build ./...
//
// The go command never writes to GOROOT for this, and gives a program that was
// built with an overlay another cache key than the same program without.
package overlay

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/covwrap/covwrap/embed/internal"
)

// The runtime's files join an existing package, since `go build -overlay` does
// not find a new one below GOROOT (Go 1.24) or cannot assemble in it (1.26).
// uleb128 imports nothing, is linked into every covered program by way of
// internal/coverage/cfile, and sorts before nearly all packages that depend on
// package syscall, so that it is initialised before them.
const (
	pkgDir  = "src/internal/coverage/uleb128"
	pkgName = "uleb128"
	prefix  = "covwrap_" // of the added files
)

// Files returns the files to add to, or replace in, the Go tree at goroot: path
// relative to goroot, with slashes, to content. An error names the file of
// goroot that is not as expected: then this Go is too old or too new.
func Files(goroot string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := runtimeFiles(files); err != nil {
		return nil, err
	}
	for _, e := range edits {
		if err := e.apply(goroot, files); err != nil {
			return nil, err
		}
	}
	files["src/internal/coverage/cfile/covwrap.go"] = []byte(cfileHook)
	return files, nil
}

// Write writes the files into dir, which is made if needed, together with the
// JSON file that `go build -overlay` takes, and returns that one's path. The
// content of dir depends on covwrap's version and on goroot alone; when
// it is there already, nothing is written, so that builds running at the same
// time are not disturbed. Errors as of Files, and of the file system.
func Write(dir, goroot string) (overlayJSON string, err error) {
	files, err := Files(goroot)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, content := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := writeIfChanged(to, content); err != nil {
			return "", err
		}
		replace[filepath.Join(goroot, filepath.FromSlash(name))] = to
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	overlayJSON = filepath.Join(dir, "overlay.json")
	return overlayJSON, writeIfChanged(overlayJSON, append(text, '\n'))
}

// runtimeFiles adds the runtime.
func runtimeFiles(files map[string][]byte) error {
	return fs.WalkDir(internal.Sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(internal.Sources, name)
		if err != nil {
			return err
		}
		files[path.Join(pkgDir, prefix+path.Base(name))] = standard(string(text))
		return nil
	})
}

var (
	packageClause = regexp.MustCompile(`(?m)^package (rt|early)$`)
	rtImport      = regexp.MustCompile(`(?m)^\s*"github\.com/covwrap/covwrap/embed/internal/rt"\n`)
	rtPrefix      = regexp.MustCompile(`\brt\.`)
	internalOnly  = regexp.MustCompile(`(?m)^//go:build covwrap_internal\n`)
)

// standard makes a file of the packages rt and early one of the package that they join.
func standard(text string) []byte {
	text = internalOnly.ReplaceAllString(text, "")
	text = packageClause.ReplaceAllString(text, "package "+pkgName)
	if rtImport.MatchString(text) {
		text = rtImport.ReplaceAllString(text, "")
		text = rtPrefix.ReplaceAllString(text, "")
	}
	return []byte(text)
}

// edit replaces a piece of a file of the Go tree that must be there once.
type edit struct {
	file     string
	old, new string
}

var edits = []edit{
	// Go's own beginning and end of coverage keeps its code under another name,
	// for processes without a map; cfileHook has the new one.
	{"src/internal/coverage/cfile/hooks.go", "\nfunc InitHook(istest bool) {\n", "\nfunc stockInitHook(istest bool) {\n"},
}

func (e edit) apply(goroot string, files map[string][]byte) error {
	text, ok := files[e.file]
	if !ok {
		var err error
		if text, err = os.ReadFile(filepath.Join(goroot, filepath.FromSlash(e.file))); err != nil {
			return fmt.Errorf("covwrap needs the source of Go's standard library: %w", err)
		}
	}
	if n := strings.Count(string(text), e.old); n != 1 {
		return fmt.Errorf("%s: %q is there %d times, not once: covwrap does not know this version of Go yet; use one from 1.24 to 1.26",
			filepath.Join(goroot, filepath.FromSlash(e.file)), strings.TrimSpace(e.old), n)
	}
	files[e.file] = []byte(strings.Replace(string(text), e.old, e.new, 1))
	return nil
}

// cfileHook is the file added to internal/coverage/cfile.
const cfileHook = `package cfile

import (
	covwrap "internal/coverage/uleb128"
	"internal/runtime/exithook"
	"os"
	"sync/atomic"
	"time"
	_ "unsafe" // for linkname
)

// InitHook is called by the compiler's code when package main, or a test's, is
// initialised, and all packages have registered. A process whose counters are
// in a file needs none of Go's own emission; one outside of covwrap's reach is
// left to it, and so is one whose GOCOVERDIR somebody else has set, who will
// read what is there: "go test -cover" does, and testscript, for the
// percentages that they print.
func InitHook(istest bool) {
	if !covwrap.Mapped() {
		dir, own := os.Getenv("GOCOVERDIR"), os.Getenv("COVWRAP_DIR")
		if own == "" || dir != "" && dir != own {
			stockInitHook(istest)
		} else {
			unmappedInitHook(istest, own)
		}
		return
	}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" && dir != covwrap.Dir() {
		stockInitHook(istest)
	}
	// A test binary makes its own report at the end, from the same functions;
	// programs may call runtime/coverage. Both need the hash.
	prepareForMetaEmit()
	covwrap.Ready()
	// Hooks run in reverse order, the first one only on success.
	exithook.Add(exithook.Hook{F: func() { covwrap.Exiting(false) }, RunOnFailure: true})
	exithook.Add(exithook.Hook{F: func() { covwrap.Exiting(true) }})
}

// unmappedInitHook is for a process below covwrap's launcher that could not have
// a map. It writes Go's files as stockInitHook does, in the same order, but
// says nothing when that fails: Go's words would be on the standard error of
// the program under test. Where there is no room for a map, or no descriptor
// to make one, Go's files would come out torn; the note that the runtime left
// tells of the process instead.
func unmappedInitHook(istest bool, dir string) {
	ml, err := prepareForMetaEmit()
	switch covwrap.Unmapped() {
	case "", "map-unsupported", "map-failed":
	default:
		return
	}
	if err != nil || len(ml) == 0 {
		return
	}
	exithook.Add(exithook.Hook{RunOnFailure: true, F: func() {
		takeTurn()
		if !covProfileAlreadyEmitted {
			emitCounterDataToDirectory(dir)
		}
	}})
	emitMeta := func() {
		if !covProfileAlreadyEmitted {
			emitMetaDataToDirectory(dir, ml)
		}
	}
	if istest {
		exithook.Add(exithook.Hook{F: emitMeta, RunOnFailure: true})
	} else {
		emitMeta()
	}
}

// turn says who writes the counters: 0 nobody, 1 a flush of package embed,
// 2 this one, for good. Package flush has the same variable; in a program
// without package embed it is ours alone.
//
//go:linkname turn github.com/covwrap/covwrap/embed/internal/flush.turn
var turn uint32

// takeTurn waits for a flush that has begun, whose counts would be written twice.
// It does not wait for long: nothing of ours may keep a program from its end.
func takeTurn() {
	for i := 0; i < 5000 && !atomic.CompareAndSwapUint32(&turn, 0, 2); i++ {
		time.Sleep(time.Millisecond)
	}
}
`

// writeIfChanged writes a file so that it appears complete or not at all.
func writeIfChanged(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename
	_, err = tmp.Write(content)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o666)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}
