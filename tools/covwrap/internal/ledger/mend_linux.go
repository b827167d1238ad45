package ledger

// MendStock is what helps with a process that left no counters, or lost the race
// with its end while it wrote them.
const MendStock = "build it with covwrap's runtime (covwrap_go_binary, or \"covwrap go build\" with a -coverpkg that its package main is part of): its counters then survive any end"
