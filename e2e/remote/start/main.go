// Command start runs a command beside a remote-execution engine:
//
//	go run -C e2e/remote ./start [FLAGS] -- bazel test --remote_executor={} //...
//
// {} becomes the engine's address. It ends as the command does, and the engine
// with it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/remote/engine"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// result is what -json writes.
type result struct {
	Seconds  float64        // that the command took
	Sent     int64          // bytes of messages to the engine
	Received int64          // and from it
	Calls    map[string]int // by gRPC method
}

func run(args []string, stderr io.Writer) int {
	set := flag.NewFlagSet("start", flag.ContinueOnError)
	set.SetOutput(stderr)
	runner := set.String("runner", string(engine.HostTools), "what executes actions: hosttools or bubblewrap")
	dir := set.String("dir", "", "where the engine stores what it has (default: a folder below the cache folder)")
	out := set.String("json", "", "write the time and the traffic to this file")
	chdir := set.String("C", "", "run the command in this folder")
	if err := set.Parse(args); err != nil {
		return 2
	}
	if set.NArg() == 0 {
		fmt.Fprintln(stderr, "start: a command is missing: start [FLAGS] -- COMMAND ARGUMENTS")
		return 2
	}
	code, err := start(engine.Runner(*runner), *dir, *chdir, *out, set.Args(), stderr)
	if err != nil {
		fmt.Fprintln(stderr, "start:", err)
		return 1
	}
	return code
}

// start runs the command and returns its exit status.
func start(runner engine.Runner, dir, chdir, out string, args []string, stderr io.Writer) (int, error) {
	root, err := engine.Install(func(what string) { fmt.Fprintln(stderr, what) })
	if err != nil {
		return 0, err
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return 0, err
		}
		dir = filepath.Join(cache, "covwrap", "engine", string(runner))
	}
	e, err := engine.Start(root, dir, runner)
	if err != nil {
		return 0, err
	}
	defer e.Stop()
	cmd := exec.Command(args[0])
	for _, a := range args[1:] {
		cmd.Args = append(cmd.Args, strings.ReplaceAll(a, "{}", "grpc://"+e.Addr))
	}
	cmd.Dir = chdir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The engine must live until the command has ended. SIGINT from a terminal
	// reaches the command too; others are passed on.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s != os.Interrupt {
				cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	seconds := time.Since(began).Seconds()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if out != "" {
		t := e.Calls()
		data, err := json.MarshalIndent(result{seconds, t.Sent, t.Received, t.Calls}, "", " ")
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(out, data, 0o666); err != nil {
			return 0, err
		}
	}
	return cmd.ProcessState.ExitCode(), nil
}
