//go:build !unix

package countermap

import "errors"

func mkfifo(string) error { return errors.New("no FIFOs on this system") }
