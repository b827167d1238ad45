// Command shortlinkd is a URL shortener with an HTTP interface:
//
//	POST /          the body is a URL; answers 201 and its code
//	GET  /          all codes, one a line
//	GET  /CODE      redirects to the URL
//
// It prints "listening on http://ADDRESS" once it is ready, and finishes open
// requests before it stops on SIGINT or SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/examples/shortlink/store"
)

// longest is the longest URL that is accepted, in bytes.
const longest = 2000

func main() {
	log.SetFlags(0)
	log.SetPrefix("shortlinkd: ")
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	data := flag.String("data", "links.log", "file that keeps the links")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr, *data); err != nil {
		log.Fatal(err)
	}
}

// serve runs the service until ctx is done, then shuts it down in order.
func serve(ctx context.Context, addr, data string) error {
	links, err := store.Open(data)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(links)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Printf("listening on http://%s\n", listener.Addr())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(server.Shutdown(finish), links.Close())
	fmt.Printf("stopped with %d links\n", len(links.Codes()))
	return err
}

// handler is the HTTP interface.
func handler(links *store.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		code, err := links.Add(strings.TrimSpace(string(body)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintln(w, code)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		for _, code := range links.Codes() {
			fmt.Fprintln(w, code)
		}
	})
	mux.HandleFunc("GET /{code}", func(w http.ResponseWriter, r *http.Request) {
		target, ok := links.Get(r.PathValue("code"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	})
	return mux
}
