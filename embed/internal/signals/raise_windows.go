package signals

import "syscall"

func catchable(sig syscall.Signal) bool { return sig == syscall.SIGINT || sig == syscall.SIGTERM }

// raise ends the process with the status that Windows gives one which did not
// handle the console event (CTRL_C, CTRL_BREAK, CTRL_CLOSE ...) that Go
// reports as a signal.
func raise(syscall.Signal) {
	const statusControlCExit = 0xc000013a
	process, err := syscall.GetCurrentProcess()
	if err == nil {
		syscall.TerminateProcess(process, statusControlCExit)
	}
}
