package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// attempts is how often a file may cost a worker its life.
const attempts = 3

// pool counts files with worker processes.
type pool struct {
	size int
	log  func(format string, args ...any)
}

// count returns the sum over all files, or the first error.
func (p *pool) count(ctx context.Context, files []string) (map[string]int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan string)
	go func() {
		defer close(jobs)
		for _, file := range files {
			select {
			case jobs <- file:
			case <-ctx.Done():
				return
			}
		}
	}()

	var mu sync.Mutex
	sum := map[string]int{}
	var running sync.WaitGroup
	for range min(p.size, len(files)) {
		running.Add(1)
		go func() {
			defer running.Done()
			err := p.manage(ctx, jobs, func(counts map[string]int) {
				mu.Lock()
				defer mu.Unlock()
				for word, n := range counts {
					sum[word] += n
				}
			})
			if err != nil {
				cancel(err)
			}
		}()
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return sum, nil
}

// manage keeps one worker alive and feeds it until there are no more jobs.
func (p *pool) manage(ctx context.Context, jobs <-chan string, add func(map[string]int)) error {
	var w *worker
	for file := range jobs {
		for attempt := 1; ; attempt++ {
			if w == nil {
				var err error
				if w, err = startWorker(ctx); err != nil {
					return err
				}
			}
			p.log("worker %d counts %s", w.cmd.Process.Pid, file)
			counts, err := w.ask(file)
			if err == nil {
				add(counts)
				break
			}
			var refused refusal
			if errors.As(err, &refused) {
				return errors.Join(err, w.close())
			}
			w.close()
			how := w.cmd.ProcessState.String()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if attempt == attempts {
				return fmt.Errorf("%s: %d workers died, the last with %q", file, attempts, how)
			}
			p.log("worker %d died: %s", w.cmd.Process.Pid, how)
			w = nil
		}
	}
	if w == nil {
		return nil
	}
	return w.close()
}

// refusal is a worker's own word that a file cannot be counted; another worker
// would say the same.
type refusal string

func (r refusal) Error() string { return string(r) }

// worker is one worker process.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startWorker starts a worker, which is terminated when ctx is done.
func startWorker(ctx context.Context) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, workerMode)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &worker{cmd, in, bufio.NewReader(out)}, nil
}

// ask has the worker count one file.
func (w *worker) ask(file string) (map[string]int, error) {
	if _, err := fmt.Fprintln(w.in, file); err != nil {
		return nil, err
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, refusal(a.Error)
	}
	return a.Counts, nil
}

// close tells the worker that there is no more to do and waits for its end.
func (w *worker) close() error {
	return errors.Join(w.in.Close(), w.cmd.Wait())
}
