module example.com/arm64

go 1.24.0

require github.com/covwrap/covwrap v0.0.0

replace github.com/covwrap/covwrap => ../..
