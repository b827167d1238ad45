package countermap

// SocketName is the socket in the profile directory at which a process that
// makes or joins a counter map makes itself known to the launcher: it connects,
// sends an [Introduction] and closes the connection.
const SocketName = "covsocket"

// Introduction is what it sends: 24 bytes, in the order of the machine. See
// package embed/internal/rt, which has it a second time as it has the header.
type Introduction struct {
	PID   uint32 // as the process itself sees it
	_     uint32
	PIDNS uint64 // as in Map
	Ticks uint64
}
