module github.com/covwrap/covwrap

go 1.24.0
