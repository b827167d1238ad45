// Package console sends what a console sends.
package console

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32              = windows.NewLazySystemDLL("kernel32.dll")
	getConsoleProcessList = kernel32.NewProc("GetConsoleProcessList")
	createRemoteThread    = kernel32.NewProc("CreateRemoteThread")
	ctrlRoutine           = windows.NewLazySystemDLL("kernelbase.dll").NewProc("CtrlRoutine")
	wineVersion           = windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version")
)

// Wine reports whether this is Wine.
func Wine() bool { return wineVersion.Find() == nil }

// Attached reports whether this process has a console.
func Attached() bool {
	var one uint32
	n, _, _ := getConsoleProcessList.Call(uintptr(unsafe.Pointer(&one)), 1)
	return n > 0
}

// Interrupt sends Ctrl-C to every process of the caller's console, itself
// included.
func Interrupt() error { return windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0) }

// Break sends CTRL_BREAK to the group of the process pid, which was made with
// CREATE_NEW_PROCESS_GROUP and is all alone in it.
//
// Wine (10.0) ends every process to which GenerateConsoleCtrlEvent sends this
// event, handler or not. There Break does itself what Windows's console does:
// it starts kernelbase!CtrlRoutine in the process, with the event as argument,
// which calls the process's handlers. That the first process of a group gets no
// Ctrl-C holds in Wine for this event, too, and is undone.
func Break(pid int) error {
	if !Wine() {
		return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(pid))
	}
	h, err := windows.OpenProcess(windows.PROCESS_ALL_ACCESS, false, uint32(pid))
	if err != nil {
		return fmt.Errorf("OpenProcess %d: %w", pid, err)
	}
	defer windows.CloseHandle(h)
	if err := getCtrlC(h); err != nil {
		return err
	}
	// System libraries have one address in all processes.
	thread, _, err := createRemoteThread.Call(uintptr(h), 0, 0, ctrlRoutine.Addr(), windows.CTRL_BREAK_EVENT, 0, 0)
	if thread == 0 {
		return fmt.Errorf("CreateRemoteThread: %w", err)
	}
	return windows.CloseHandle(windows.Handle(thread))
}

// getCtrlC undoes that a process does not get Ctrl-C.
func getCtrlC(h windows.Handle) error {
	var basic windows.PROCESS_BASIC_INFORMATION
	err := windows.NtQueryInformationProcess(h, windows.ProcessBasicInformation, unsafe.Pointer(&basic), uint32(unsafe.Sizeof(basic)), nil)
	if err != nil {
		return fmt.Errorf("NtQueryInformationProcess: %w", err)
	}
	var peb windows.PEB
	err = windows.ReadProcessMemory(h, uintptr(unsafe.Pointer(basic.PebBaseAddress)), (*byte)(unsafe.Pointer(&peb)), unsafe.Sizeof(peb), nil)
	if err != nil {
		return fmt.Errorf("ReadProcessMemory: %w", err)
	}
	var flags uint32
	at := uintptr(unsafe.Pointer(peb.ProcessParameters)) + unsafe.Offsetof(peb.ProcessParameters.ConsoleFlags)
	if err := windows.WriteProcessMemory(h, at, (*byte)(unsafe.Pointer(&flags)), unsafe.Sizeof(flags), nil); err != nil {
		return fmt.Errorf("WriteProcessMemory: %w", err)
	}
	return nil
}
