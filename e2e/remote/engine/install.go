package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// recipe is counted up when a change here must reach installations that exist.
const recipe = 1

// packages are the engine and what actions need to find on a worker: a shell,
// a C compiler (rules_go's cgo), zip and file (Bazel's test-setup.sh).
const packages = "buildbox,bubblewrap,ca-certificates,gcc,g++,file,zip,unzip"

// Install makes sure that the engine's root file system is there and returns
// its path. The first time takes a minute and 1 GB below the user's cache
// folder; it needs Debian, root and a package source that has sid. Safe
// against other callers; say is told what takes long.
func Install(say func(string)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "covwrap", "engine")
	root := filepath.Join(dir, fmt.Sprintf("root-%d", recipe))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %q: %w", lock.Name(), err)
	}
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	if os.Geteuid() != 0 {
		return "", errors.New("installing the engine from Debian's packages needs root")
	}
	if err := installTools(say); err != nil {
		return "", err
	}
	say(fmt.Sprintf("installing buildbox from Debian sid into %s (once, a minute, 1 GB)", dir))
	mirror, err := debianMirror()
	if err != nil {
		return "", err
	}
	tmp := root + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	conf, err := aptConfig()
	if err != nil {
		return "", err
	}
	defer os.Remove(conf)
	cmd := exec.Command("mmdebstrap", "--variant=minbase", "--mode=root", "--include="+packages, "--aptopt="+conf,
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"sid", tmp, "deb "+mirror+" sid main")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("mmdebstrap: %w: %s", err, lastLines(output.String(), 10))
	}
	// A mount point for SharedDir: the file system is mounted read-only.
	if err := os.MkdirAll(tmp+SharedDir, 0o777); err != nil {
		return "", err
	}
	return root, os.Rename(tmp, root)
}

// debianMirror returns the mirror that this machine's apt is configured with.
func debianMirror() (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(LABEL) $(COMPONENT) $(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Debian" && f[1] == "main" {
			return f[2], nil
		}
	}
	return "", errors.New("no package source of Debian is configured on this machine")
}

// installTools installs what is needed outside of the root file system.
func installTools(say func(string)) error {
	missing := false
	for _, tool := range []string{"mmdebstrap", "bwrap", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	say("installing mmdebstrap and bubblewrap")
	for _, args := range [][]string{
		{"update"},
		{"-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", "mmdebstrap", "bubblewrap", "util-linux"},
	} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, lastLines(string(out), 10))
		}
	}
	return nil
}

// aptConfig writes what holds for this machine's packages (proxies, time stamps
// of a frozen mirror and the like), which holds for sid's too, to a file.
func aptConfig() (string, error) {
	out, err := exec.Command("apt-config", "dump", "--format", "%F \"%v\";%n").Output()
	if err != nil {
		return "", fmt.Errorf("apt-config: %w", err)
	}
	// A frozen mirror's Release file counts as expired.
	text := "Acquire::Check-Valid-Until \"false\";\n"
	for line := range strings.Lines(string(out)) {
		for _, prefix := range []string{"http", "https", "ftp", "Retries", "ForceIPv", "Check-Date"} {
			if strings.HasPrefix(line, "Acquire::"+prefix) {
				text += line
			}
		}
	}
	f, err := os.CreateTemp("", "apt")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return f.Name(), errors.Join(err, f.Close())
}
