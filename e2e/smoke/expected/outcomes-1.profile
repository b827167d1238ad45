mode: atomic
endings/main.go:12.13,15.2 2 1
endings/main.go:17.22,18.13 1 1
endings/main.go:19.16,21.10 2 0
endings/main.go:22.14,25.13 3 0
endings/main.go:26.15,29.23 3 0
endings/main.go:30.16,32.14 2 1
endings/main.go:32.14,34.4 1 0
endings/main.go:35.16,38.17 3 0
endings/main.go:38.17,39.14 1 0
endings/main.go:41.3,41.74 1 0
endings/main.go:42.10,43.38 1 0
endings/main.go:48.18,49.19 1 1
endings/main.go:49.19,51.3 1 5
endings/main.go:54.19,58.2 3 1
