module github.com/covwrap/covwrap/docs/gen

go 1.24

require go.starlark.net v0.0.0-20250318223901-d9371fef63fe
