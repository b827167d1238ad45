package ledger

// MendStock is what helps with a process that left no counters, or lost the race
// with its end while it wrote them.
const MendStock = "build the program with covwrap's runtime (covwrap_go_binary, or \"covwrap go build\"): its counters then survive any end"
