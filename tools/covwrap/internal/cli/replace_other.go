//go:build !unix

package cli

import "errors"

func replace(file string, argv []string) error { return errors.ErrUnsupported }
