//go:build linux

package parent

import (
	"os/exec"
	"path/filepath"
	"syscall"
)

// Place is where in the tree of processes the program stands, as far as that
// is its parent's doing. (Grandchildren, daemons and pools are the program's
// own doing: see subject/tree.go.)
type Place struct {
	Name      string
	Root      bool // only root can make it
	detached  bool // the program leaves a process behind
	namespace bool // the program does not know its pid as we know it

	wrap func(argv []string) []string
	set  func(cmd *exec.Cmd, dir string)
}

// Places are all of them.
var Places = []*Place{
	{Name: "child"},
	{Name: "detached", detached: true},
	{Name: "empty environment", set: func(cmd *exec.Cmd, _ string) { cmd.Env = []string{} }},
	{Name: "other directory", set: func(cmd *exec.Cmd, dir string) { cmd.Dir = filepath.Join(dir, "elsewhere") }},
	{Name: "closed standard files", wrap: shell(`exec "$@" <&- >&- 2>&-`)},
	{Name: "process group", set: attributes(syscall.SysProcAttr{Setpgid: true})},
	{Name: "session", set: attributes(syscall.SysProcAttr{Setsid: true})},
	{Name: "dropped uid", Root: true, set: attributes(syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})},
	{Name: "pid namespace", Root: true, namespace: true, set: attributes(syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID})},
	{Name: "mount namespace", Root: true, set: attributes(syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})},
	{
		Name: "pid and mount namespace, own /proc", Root: true, namespace: true,
		set:  attributes(syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}),
		wrap: shell(`mount -t proc proc /proc && exec "$@"`),
	},
	{Name: "other root", Root: true, set: func(cmd *exec.Cmd, dir string) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: filepath.Join(dir, "elsewhere")}
		cmd.Dir = "/"
	}},
	{Name: "shell script", wrap: shell(`"$@"; echo "status $?"`)},
	{Name: "Python script", wrap: func(argv []string) []string {
		const script = `import subprocess, sys
print("status", subprocess.run(sys.argv[1:], close_fds=False).returncode)`
		return append([]string{"python3", "-c", script}, argv...)
	}},
}

func shell(script string) func([]string) []string {
	return func(argv []string) []string { return append([]string{"/bin/sh", "-c", script, "sh"}, argv...) }
}

func attributes(a syscall.SysProcAttr) func(*exec.Cmd, string) {
	return func(cmd *exec.Cmd, _ string) { cmd.SysProcAttr = &a }
}

func find(name string) *Place {
	for _, p := range Places {
		if p.Name == name {
			return p
		}
	}
	return nil
}
