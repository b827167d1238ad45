// Package plumbing_test writes down what reaches a test: its arguments, its
// environment, its files.
package plumbing_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seen is what one test saw.
type seen struct {
	Args        []string
	Folder      string // where it runs, below the runfiles
	Given       string // from env
	Inherited   string // from env_inherit
	Data        string // what is in the file that env names by $(rootpath)
	DataByArg   string // what is in the file that args name by $(rootpath)
	Shard       string
	Shards      string
	OwnLeftOver []string // covwrap's variables, which are none of a test's business
}

func look(t *testing.T) {
	t.Helper()
	root := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"))
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if folder, err = filepath.Rel(root, folder); err != nil {
		t.Fatal(err)
	}
	read := func(rootpath string) string {
		content, err := os.ReadFile(filepath.Join(root, rootpath))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	var left []string
	for _, name := range []string{"COVWRAP_TEST", "COVWRAP_OPTIONS"} {
		if _, ok := os.LookupEnv(name); ok {
			left = append(left, name)
		}
	}
	story, err := json.MarshalIndent(seen{
		Args:        os.Args[1:],
		Folder:      folder,
		Given:       os.Getenv("SMOKE_GIVEN"),
		Inherited:   os.Getenv("SMOKE_INHERITED"),
		Data:        read(os.Getenv("SMOKE_DATA")),
		DataByArg:   read(os.Args[len(os.Args)-1]),
		Shard:       os.Getenv("TEST_SHARD_INDEX"),
		Shards:      os.Getenv("TEST_TOTAL_SHARDS"),
		OwnLeftOver: left,
	}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"), t.Name()+".seen")
	if err := os.WriteFile(file, append(story, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestA(t *testing.T) { look(t) }

func TestB(t *testing.T) { look(t) }

func TestC(t *testing.T) { look(t) }

// TestFlaky fails unless this target has run before; SMOKE_STATE names the folder
// that remembers.
func TestFlaky(t *testing.T) {
	state := os.Getenv("SMOKE_STATE")
	if state == "" {
		t.Skip("SMOKE_STATE is not set")
	}
	name := strings.NewReplacer("/", "_", ":", "_").Replace(os.Getenv("TEST_TARGET"))
	file, err := os.OpenFile(filepath.Join(state, name), os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	t.Fatal("the first time")
}
