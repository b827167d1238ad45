//go:build !special

package main

const tag = "none"
