module example.com/windows

go 1.24.0

require (
	github.com/covwrap/covwrap v0.0.0
	golang.org/x/sys v0.39.0
)

replace github.com/covwrap/covwrap => ../..
