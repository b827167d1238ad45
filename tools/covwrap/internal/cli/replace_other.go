//go:build !unix

package cli

import "errors"

func replace(file string, argv, env []string) error { return errors.ErrUnsupported }
