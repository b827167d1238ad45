// Command gen writes a Go module of a chosen size, the program under test of
// the benchmarks: package main over N packages of M functions. The program
// calls one function of every package, so that all packages are registered and
// few counters are touched, as in a large program that is asked for little.
//
//	gen -o DIR [-packages 100] [-functions 100] [-blocks 85000]
//
// The program takes one argument: how it ends (return, exit, kill, or wait,
// which prints "ready" and reads stdin to its end).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	var p program
	flags := flag.NewFlagSet("gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("o", "", "`folder` to write the module to")
	flags.IntVar(&p.packages, "packages", 100, "number of packages")
	flags.IntVar(&p.functions, "functions", 100, "number of functions a package")
	flags.IntVar(&p.blocks, "blocks", 85000, "number of coverage blocks in all packages")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := p.write(*dir); err != nil {
		fmt.Fprintln(stderr, "gen:", err)
		return 1
	}
	return 0
}

// program is the size of a program.
type program struct{ packages, functions, blocks int }

func (p program) write(dir string) error {
	total := p.packages * p.functions
	switch {
	case dir == "":
		return errors.New("-o is missing: the folder to write to")
	case p.packages < 1 || p.functions < 1:
		return fmt.Errorf("%d packages of %d functions: both must be at least 1", p.packages, p.functions)
	case p.blocks < baseBlocks*total || (p.blocks-baseBlocks*total)%2 != 0:
		return fmt.Errorf("%d blocks for %d functions: needs %d a function, and two for each condition more", p.blocks, total, baseBlocks)
	}
	files := map[string]string{"go.mod": "module example.com/gen\n\ngo 1.24\n", "main.go": p.main()}
	for i := range p.packages {
		files[fmt.Sprintf("p%d/p.go", i)] = p.pkg(i)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// baseBlocks is the number of blocks of a function without conditions: up to
// the loop, its body, and what follows.
const baseBlocks = 3

// pkg is one package. Each condition has 2 blocks more (the branch and what
// follows); the conditions are dealt out evenly over all functions.
func (p program) pkg(n int) string {
	total := p.packages * p.functions
	conditions := (p.blocks - baseBlocks*total) / 2
	var b strings.Builder
	// A function that nobody calls is not linked, and its counters neither.
	fmt.Fprintf(&b, "package p%d\n\nvar All = []func(int) int{", n)
	for f := range p.functions {
		fmt.Fprintf(&b, "F%d, ", f)
	}
	b.WriteString("}\n\n")
	for f := range p.functions {
		i := n*p.functions + f
		count := conditions*(i+1)/total - conditions*i/total
		fmt.Fprintf(&b, "func F%d(x int) int {\n\tfor x < 0 {\n\t\tx++\n\t}\n", f)
		for c := range count {
			fmt.Fprintf(&b, "\tif x == %d {\n\t\tx += %d\n\t}\n", c+1, c)
		}
		b.WriteString("\treturn x\n}\n\n")
	}
	return b.String()
}

func (p program) main() string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"os\"\n\t\"syscall\"\n\n")
	for i := range p.packages {
		fmt.Fprintf(&b, "\t\"example.com/gen/p%d\"\n", i)
	}
	b.WriteString(")\n\nfunc main() {\n\tsum := 0\n")
	for i := range p.packages {
		fmt.Fprintf(&b, "\tsum += p%d.All[len(os.Args)%%%d](%d)\n", i, p.functions, i)
	}
	b.WriteString(`	how := "return"
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	switch how {
	case "exit":
		os.Exit(3)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "wait":
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
	}
	if sum < 0 {
		panic(sum)
	}
}
`)
	return b.String()
}
