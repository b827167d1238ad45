module example.com/matrix

go 1.24.0
