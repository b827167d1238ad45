//go:build !unix

package phases

import "os"

func open(file string) (*os.File, error) { return os.Open(file) }
