// Command convert converts metres, until it is killed.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	units "example.com/languages/golang"
)

func main() {
	metres, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%.2f\n", units.Miles(metres))
	time.Sleep(time.Hour)
}
