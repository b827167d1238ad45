//go:build linux

// Package debian installs programs from Debian sid for tests that need newer
// ones than the machine has, into a root file system of their own, so that
// nothing of the machine's changes.
package debian

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

// Recipe says what to install.
type Recipe struct {
	Name     string   // of the folder, below covwrap's in the user's cache folder
	Version  int      // counted up when a change must reach what is installed
	Packages string   // with commas
	Without  []string // patterns of paths that nobody needs
	Size     string   // roughly, for the message
}

// Install makes sure that the root file system is there and returns its folder
// and its path. The first time takes a minute; it needs Debian, root and a
// package source that has sid. Safe against other callers; say is told what
// takes long.
func Install(r Recipe, say func(string)) (dir, root string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(cache, "covwrap", r.Name)
	root = filepath.Join(dir, fmt.Sprintf("root-%d", r.Version))
	unlock, err := Lock(dir)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	if _, err := os.Stat(root); err == nil {
		return dir, root, nil
	}
	if os.Geteuid() != 0 {
		return "", "", fmt.Errorf("installing %s from Debian's packages needs root", r.Packages)
	}
	if err := tools(say); err != nil {
		return "", "", err
	}
	say(fmt.Sprintf("installing %s from Debian sid into %s (once, a minute or more, %s)", r.Packages, dir, r.Size))
	return dir, root, r.install(root)
}

// Lock waits until nobody else uses the folder, which is made if needed.
func Lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock %q: %w", lock.Name(), err)
	}
	return lock.Close, nil
}

func (r Recipe) install(root string) error {
	mirror, err := mirror()
	if err != nil {
		return err
	}
	conf, err := aptConfig()
	if err != nil {
		return err
	}
	defer os.Remove(conf)
	tmp := root + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--mode=root", "--include=" + r.Packages, "--aptopt=" + conf}
	for _, path := range append([]string{"/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"}, r.Without...) {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	cmd := exec.Command("mmdebstrap", append(args, "sid", tmp, "deb "+mirror+" sid main")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("mmdebstrap: %w: %s", err, lastLines(output.String(), 10))
	}
	return os.Rename(tmp, root)
}

// mirror returns the mirror that this machine's apt is configured with.
func mirror() (string, error) {
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

// tools installs what makes and enters a root file system.
func tools(say func(string)) error {
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

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
