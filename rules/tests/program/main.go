// Command program is what the rules' tests build.
package main

func main() {}
