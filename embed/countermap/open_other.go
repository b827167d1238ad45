//go:build !unix

package countermap

const openFlags = 0
