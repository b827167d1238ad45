// This file lets the Go files declare a function without a body (linkname).
