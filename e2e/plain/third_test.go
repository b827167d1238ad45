//go:build linux

package plain

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	natsServer = "github.com/nats-io/nats-server/v2"
	natsClient = "github.com/nats-io/nats.go"
	age        = "filippo.io/age"
	goInternal = "github.com/rogpeppe/go-internal"
)

// messages is how many the publishers send.
const messages = 7

func init() {
	scenarios["nats"] = natsScenario
	scenarios["age"] = ageScenario
}

// natsScenario starts nats-server and a subscriber, publishes messages one by
// one, each by a process of its own, and ends server and subscriber by the
// signal when the last message has arrived. Arguments: folder of the binaries,
// signal.
func natsScenario(args []string) error {
	bin, sig := args[0], syscall.SIGKILL
	if args[1] == "SIGTERM" {
		sig = syscall.SIGTERM
	}
	server, err := start(filepath.Join(bin, "nats-server"), "-a", "127.0.0.1", "-p", "-1")
	if err != nil {
		return err
	}
	line, err := server.until("Listening for client connections on ")
	if err != nil {
		return err
	}
	url := "nats://" + strings.TrimSpace(line[strings.LastIndex(line, " ")+1:])
	if _, err := server.until("Server is ready"); err != nil {
		return err
	}
	sub, err := start(filepath.Join(bin, "nats-sub"), "-s", url, "subject")
	if err != nil {
		return err
	}
	if _, err := sub.until("Listening on [subject]"); err != nil {
		return err
	}
	for i := range messages {
		if out, err := exec.Command(filepath.Join(bin, "nats-pub"), "-s", url, "subject", fmt.Sprint("message ", i)).CombinedOutput(); err != nil {
			return fmt.Errorf("nats-pub: %w\n%s", err, out)
		}
		if _, err := sub.until(fmt.Sprintf("'message %d'", i)); err != nil {
			return err
		}
	}
	if err := sub.end(sig); err != nil {
		return err
	}
	return server.end(sig)
}

// TestNATS: a third-party server and its clients. Killed, they have counted
// exactly what was sent; ended cleanly, no less than Go's own coverage sees.
func TestNATS(t *testing.T) {
	server, client := module(t, natsServer+"@v2.15.2"), module(t, natsClient+"@v1.55.0")
	ours, stock := folder(t), folder(t)
	build := func(bin string, command ...string) {
		args := func(more ...string) []string {
			return append(append(command[1:len(command):len(command)], "build", "-cover", "-covermode=atomic"), more...)
		}
		must(t, server, nil, command[0], args("-o", filepath.Join(bin, "nats-server"), ".")...)
		must(t, client, nil, command[0], args("-o", bin+"/", "./examples/nats-pub", "./examples/nats-sub")...)
	}
	build(ours, covwrap, "go")
	build(stock, "go")
	run := func(sig string) profile {
		out := filepath.Join(folder(t), "out")
		must(t, server, scenario("nats"), covwrap, "run", "--profile", out, "--", self, ours, sig)
		return readProfile(t, out)
	}

	killed := run("SIGKILL")
	for _, c := range []struct {
		dir, module, file, function string
		want                        uint64
	}{
		{server, natsServer, "main.go", "main", 1},
		{server, natsServer, "server/client.go", "client.processPub", messages},
		{server, natsServer, "server/client.go", "client.processConnect", messages + 1},
		{client, natsClient, "examples/nats-pub/main.go", "main", messages},
		{client, natsClient, "examples/nats-sub/main.go", "main", 1},
		{client, natsClient, "examples/nats-sub/main.go", "printMsg", messages},
	} {
		if got := killed.entry(t, c.dir, c.module, c.file, c.function); got != c.want {
			t.Errorf("killed: %s was called %d times, want %d", c.function, got, c.want)
		}
	}

	// How often a server does what it does by the clock is no matter.
	once := func(p profile) profile {
		for b, n := range p {
			p[b] = min(n, 1)
		}
		return p
	}
	neverLess(t, func() profile {
		dir := folder(t)
		must(t, server, append(scenario("nats"), "GOCOVERDIR="+dir), self, stock, "SIGTERM")
		must(t, dir, nil, "go", "tool", "covdata", "textfmt", "-i=.", "-o=out")
		return once(readProfile(t, filepath.Join(dir, "out")))
	}, func() profile { return once(run("SIGTERM")) })
}

// chunk is the size of the pieces in which age encrypts, and the number of
// bytes that each is longer after it.
const chunk, tag = 64 << 10, 16

// ageScenario encrypts an endless input: it reads the header and three pieces
// of the result, of which age must then have encrypted exactly three, and kills
// it. Arguments: binary, recipient.
func ageScenario(args []string) error {
	cmd := exec.Command(args[0], "-r", args[1])
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// One byte more than three pieces: only then is the third not the last.
	wrote := make(chan error, 1)
	go func() {
		_, err := in.Write(bytes.Repeat([]byte("x"), 3*chunk+1))
		wrote <- err
	}()
	var header []byte
	for !bytes.Contains(header, []byte("\n--- ")) || header[len(header)-1] != '\n' {
		b := make([]byte, 1)
		if _, err := out.Read(b); err != nil {
			return err
		}
		header = append(header, b...)
	}
	const nonce = 16
	if _, err := io.ReadFull(out, make([]byte, nonce+3*(chunk+tag))); err != nil {
		return err
	}
	if err := <-wrote; err != nil {
		return err
	}
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	cmd.Wait()
	return nil
}

// TestAgeKilled: a third-party command, killed in the middle of its work.
func TestAgeKilled(t *testing.T) {
	dir := module(t, age+"@v1.3.2")
	bin := folder(t)
	must(t, dir, nil, covwrap, "go", "build", "-covermode=atomic", "-o", bin+"/", "./cmd/age", "./cmd/age-keygen")
	out := filepath.Join(bin, "out")
	key := try(t, bin, nil, filepath.Join(bin, "age-keygen"))
	_, recipient, ok := strings.Cut(key.stdout, "# public key: ")
	if recipient, _, _ = strings.Cut(recipient, "\n"); !ok || key.status != 0 {
		t.Fatalf("age-keygen: %+v", key)
	}
	must(t, dir, scenario("age"), covwrap, "run", "--profile", out, "--", self, filepath.Join(bin, "age"), recipient)
	p := readProfile(t, out)
	for function, want := range map[string]uint64{"NewEncryptWriter": 1, "EncryptWriter.flushChunk": 3, "EncryptWriter.Close": 0, "NewDecryptReader": 0} {
		if got := p.entry(t, dir, age, "internal/stream/stream.go", function); got != want {
			t.Errorf("%s was called %d times, want %d", function, got, want)
		}
	}
}

// seconds is what differs between two runs of the same tests.
var seconds = regexp.MustCompile(`\t[0-9.]+s\t`)

// runDependent is what may differ between two runs of tests of others.
var runDependent = regexp.MustCompile(`\t[0-9.]+s\t|\tcoverage: [0-9.]+% `)

// TestScriptSuites: third-party commands whose tests are scripts that run the
// command: go test's own output is what it is without covwrap, and the profile
// has no block less.
func TestScriptSuites(t *testing.T) {
	for _, c := range []struct {
		module, version string
		packages        []string
	}{
		{age, "v1.3.2", []string{"./cmd/..."}},
		{goInternal, "v1.16.0", []string{"./cmd/..."}},
	} {
		t.Run(c.module, func(t *testing.T) {
			dir := module(t, c.module+"@"+c.version)
			test := func(command ...string) (string, profile) {
				args := []string{"test", "-count=1", "-covermode=count", "-coverprofile=out"}
				stdout := must(t, dir, nil, command[0], slices.Concat(command[1:], args, c.packages)...)
				return runDependent.ReplaceAllString(stdout, "\t"), readProfile(t, filepath.Join(dir, "out"))
			}
			var want, got string
			neverLess(t, func() (p profile) {
				want, p = test("go")
				return p
			}, func() (p profile) {
				got, p = test(covwrap, "go")
				return p
			})
			if got != want {
				t.Errorf("covwrap go test printed\n%s\ngo test printed\n%s", got, want)
			}
			must(t, dir, nil, "go", "tool", "cover", "-func=out")
		})
	}
}
