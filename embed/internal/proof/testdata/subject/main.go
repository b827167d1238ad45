// Command subject does a known amount of work and ends in a given way:
//
//	subject WAY N
//
// The test reads from its counter map that the loop of package work ran N times.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"example.com/subject/work"
)

func main() {
	way, n := os.Args[1], atoi(os.Args[2])
	if way == "sigterm-notify" {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		work.Do(n)
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-c
		fmt.Println("stopped")
		return
	}
	fmt.Println(work.Do(n))
	end(way, n)
}

// later has functions that have not been called before, in the kind that has
// many.
var later = func() {}

func end(way string, n int) {
	switch way {
	case "return":
	case "exit":
		os.Exit(3)
	case "panic":
		panic("on purpose")
	case "panic-goroutine":
		go func() { panic("on purpose") }()
		select {}
	case "fatal":
		m := map[int]int{}
		for i := 0; i < 8; i++ {
			go func() {
				for {
					m[0]++
				}
			}()
		}
		for {
			m[1]++
		}
	case "deadlock":
		select {}
	case "stack":
		debug.SetMaxStack(1 << 20)
		var f func(int) int
		f = func(i int) int { return f(i+1) + 1 }
		f(0)
	case "segv":
		*(*int)(unsafe.Pointer(uintptr(8))) = 1
	case "raw-exit":
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 4, 0, 0)
	case "kill":
		die(syscall.SIGKILL)
	case "term":
		die(syscall.SIGTERM)
	case "int":
		die(syscall.SIGINT)
	case "hup":
		die(syscall.SIGHUP)
	case "quit":
		die(syscall.SIGQUIT)
	case "exec-self":
		if n > 1 {
			execve(os.Args[0], "exec-self", strconv.Itoa(n-1))
		}
	case "exec-true":
		execve("/bin/true")
	case "wait": // says so, and works once more for each line of stdin
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
	case "chdir": // elsewhere, with an empty environment, when it is killed
		os.Clearenv()
		os.Chdir("/")
		work.Do(n)
		die(syscall.SIGKILL)
	case "setuid":
		syscall.Setgroups(nil)
		syscall.Setgid(65534)
		syscall.Setuid(65534)
		work.Do(n)
		die(syscall.SIGKILL)
	case "nofile":
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{})
		work.Do(n)
		os.Exit(0)
	case "open": // which descriptors are open
		fds, _ := filepath.Glob("/proc/self/fd/*")
		for _, fd := range fds {
			to, err := os.Readlink(fd)
			if err == nil && !strings.Contains(to, "eventpoll") && !strings.Contains(to, "eventfd") {
				fmt.Println(filepath.Base(fd))
			}
		}
		threads, _ := os.ReadFile("/proc/self/status")
		for _, l := range strings.Split(string(threads), "\n") {
			if strings.HasPrefix(l, "SigBlk") || strings.HasPrefix(l, "SigIgn") || strings.HasPrefix(l, "SigCgt") {
				fmt.Println(l)
			}
		}
		fmt.Println(os.Environ())
	case "parent": // its child runs in an empty environment
		p, err := os.StartProcess("/proc/self/exe", []string{"child", "kill", strconv.Itoa(n + 1)}, &os.ProcAttr{
			Env: []string{}, Files: []*os.File{nil, os.Stdout, os.Stderr}})
		if err != nil {
			panic(err)
		}
		state, _ := p.Wait()
		fmt.Println(state)
	case "net":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		l.Close()
		die(syscall.SIGKILL)
	case "fill": // the disk, and then use counters that were not used before
		f, err := os.Create(os.Getenv("FILL"))
		if err != nil {
			panic(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		for i := 4095; i > 0; i-- {
			f.Write(make([]byte, i))
		}
		fmt.Println(err.(*os.PathError).Err)
		work.Do(n)
		later()
	case "maxrss":
		var u syscall.Rusage
		syscall.Getrusage(0, &u)
		status, _ := os.ReadFile("/proc/self/status")
		for _, l := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(l, "VmSize") || strings.HasPrefix(l, "VmRSS") {
				fmt.Println(strings.Join(strings.Fields(l), " "))
			}
		}
	default:
		panic("unknown way " + way)
	}
}

func die(s syscall.Signal) {
	syscall.Kill(os.Getpid(), s)
	for {
		syscall.Pause() // not a deadlock, which would be another end
	}
}

func execve(path string, args ...string) {
	err := syscall.Exec(path, append([]string{path}, args...), os.Environ())
	panic(err)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
