package engine

import (
	"os"

	"github.com/covwrap/covwrap/e2e/debian"
)

// recipe is the engine and what actions need to find on a worker: a shell, a C
// compiler (rules_go's cgo), zip and file (Bazel's test-setup.sh).
var recipe = debian.Recipe{
	Name: "engine", Version: 1, Size: "1 GB",
	Packages: "buildbox,bubblewrap,ca-certificates,gcc,g++,file,zip,unzip",
}

// Install makes sure that the engine's root file system is there and returns
// its path: see [debian.Install].
func Install(say func(string)) (string, error) {
	_, root, err := debian.Install(recipe, say)
	if err != nil {
		return "", err
	}
	// A mount point: the file system is mounted read-only.
	return root, os.MkdirAll(root+SharedDir, 0o777)
}
