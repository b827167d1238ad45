module example.com/languages

go 1.24
