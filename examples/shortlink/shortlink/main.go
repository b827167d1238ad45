// Command shortlink is the client of shortlinkd.
//
//	shortlink [-server URL] add URL...   prints a code for each
//	shortlink [-server URL] get CODE     prints its URL
//	shortlink [-server URL] list         prints all codes
//
// It exits with 1 when the service refuses, 2 when the command line is wrong and
// 3 when the service cannot be reached.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

const usage = "usage: shortlink [-server URL] add URL... | get CODE | list"

// refused is the service's answer to a request that it could not fulfil.
type refused string

func (r refused) Error() string { return string(r) }

func main() {
	server := flag.String("server", "http://127.0.0.1:8080", "where shortlinkd listens")
	flag.Parse()
	err := command(client{*server}, flag.Args())
	var no refused
	switch {
	case errors.As(err, &no):
		fmt.Fprintln(os.Stderr, "shortlink:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "shortlink: cannot reach the service:", err)
		os.Exit(3)
	}
}

// command runs one command line.
func command(c client, args []string) error {
	switch {
	case len(args) >= 2 && args[0] == "add":
		for _, target := range args[1:] {
			code, err := c.do("POST", "/", target)
			if err != nil {
				return err
			}
			fmt.Print(code)
		}
		return nil
	case len(args) == 2 && args[0] == "get":
		target, err := c.do("GET", "/"+args[1], "")
		fmt.Print(target)
		return err
	case len(args) == 1 && args[0] == "list":
		codes, err := c.do("GET", "/", "")
		fmt.Print(codes)
		return err
	}
	fmt.Fprintln(os.Stderr, usage)
	os.Exit(2)
	return nil
}

// client speaks to one service.
type client struct{ server string }

// do sends a request and returns the body of the answer, or the line with the
// address when the answer is a redirect.
func (c client) do(method, path, body string) (string, error) {
	request, err := http.NewRequest(method, c.server+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	// The redirect is the answer, not a step on the way to it.
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	switch {
	case response.StatusCode == http.StatusFound:
		return response.Header.Get("Location") + "\n", nil
	case response.StatusCode >= 400:
		return "", refused(strings.TrimSpace(string(answer)))
	}
	return string(answer), nil
}
