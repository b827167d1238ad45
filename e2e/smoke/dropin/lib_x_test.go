package lib_test

import (
	"testing"

	"example.com/smoke/dropin/lib"
)

func TestHalf(t *testing.T) {
	for n := range 3 {
		if lib.Half(2*n) != n {
			t.Fail()
		}
	}
}
