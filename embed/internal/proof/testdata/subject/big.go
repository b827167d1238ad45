package main

// big is larger than the runtime's pad and therefore takes its place beside the
// counters.
var big [80 << 20]byte

func init() { big[len(big)-1] = 7 }
