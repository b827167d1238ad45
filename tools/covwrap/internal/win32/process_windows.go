// Package win32 is what the launcher needs of Windows beyond package syscall.
package win32

import (
	"syscall"
	"unsafe"
)

// Rights to a process and to a thread (winnt.h).
const (
	terminateProcess  = 0x0001
	readMemory        = 0x0010
	setQuota          = 0x0100
	queryLimited      = 0x1000
	suspendResume     = 0x0002
	snapshotOfThreads = 0x0004 // TH32CS_SNAPTHREAD
	ctrlBreakEvent    = 1

	// CreateSuspended is for SysProcAttr.CreationFlags, see Resume.
	CreateSuspended = 0x4
)

var (
	queryFullProcessImageName = kernel32.NewProc("QueryFullProcessImageNameW")
	readProcessMemory         = kernel32.NewProc("ReadProcessMemory")
	thread32First             = kernel32.NewProc("Thread32First")
	thread32Next              = kernel32.NewProc("Thread32Next")
	openThread                = kernel32.NewProc("OpenThread")
	resumeThread              = kernel32.NewProc("ResumeThread")
	generateConsoleCtrlEvent  = kernel32.NewProc("GenerateConsoleCtrlEvent")
	ntQueryInformationProcess = syscall.NewLazyDLL("ntdll.dll").NewProc("NtQueryInformationProcess")
)

// OpenToWatch opens a process to learn of its end, and of its memory if that is
// allowed.
func OpenToWatch(pid uint32) (syscall.Handle, error) {
	h, err := syscall.OpenProcess(queryLimited|syscall.SYNCHRONIZE|readMemory, false, pid)
	if err != nil {
		h, err = syscall.OpenProcess(queryLimited|syscall.SYNCHRONIZE, false, pid)
	}
	return h, err
}

// OpenToEnd opens a process to end it.
func OpenToEnd(pid uint32) (syscall.Handle, error) {
	h, err := syscall.OpenProcess(queryLimited|readMemory|terminateProcess, false, pid)
	if err != nil {
		h, err = syscall.OpenProcess(terminateProcess, false, pid)
	}
	return h, err
}

// OpenToAdd opens a process to put it into a job.
func OpenToAdd(pid uint32) (syscall.Handle, error) {
	return syscall.OpenProcess(setQuota|terminateProcess, false, pid)
}

// ImageName returns the path of a process's executable, "" if it is not known
// yet.
func ImageName(h syscall.Handle) string {
	name := make([]uint16, 1<<15)
	n := uint32(len(name))
	r, _, _ := queryFullProcessImageName.Call(uintptr(h), 0, uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&n)))
	if r == 0 {
		return ""
	}
	return syscall.UTF16ToString(name[:n])
}

// basic is PROCESS_BASIC_INFORMATION (winternl.h).
type basic struct {
	status, peb, affinity, priority, pid, parent uintptr
}

func basicInformation(h syscall.Handle) (b basic, ok bool) {
	r, _, _ := ntQueryInformationProcess.Call(uintptr(h), 0, uintptr(unsafe.Pointer(&b)), unsafe.Sizeof(b), 0)
	return b, r == 0
}

// Parent returns the number of the process that has started this one.
func Parent(h syscall.Handle) int {
	b, _ := basicInformation(h)
	return int(b.parent)
}

// text is UNICODE_STRING, in the memory of another process.
type text struct {
	length, room uint16
	at           uintptr
}

// peb is the beginning of PEB (winternl.h).
type peb struct {
	flags      [4]byte
	_          [2]uintptr
	_          uintptr
	parameters uintptr
}

// parameters is RTL_USER_PROCESS_PARAMETERS up to what is needed. Windows's own
// console goes by the group in there.
type parameters struct {
	_, _        [2]uint32
	_           uintptr // console
	_           uint32
	_           [3]uintptr // standard files
	_           text       // current directory
	_           uintptr
	_, _        text // where libraries are looked for, image
	commandLine text
	_           uintptr // environment
	_           [9]uint32
	_           [4]text
	_           [32]struct {
		_, _ uint16
		_    uint32
		_    text
	}
	_, _, _ uintptr
	group   uint32
}

// given reads what a process was given when it was started, from its memory.
func given(h syscall.Handle) (p parameters, ok bool) {
	b, ok := basicInformation(h)
	var block peb
	if !ok || b.peb == 0 || !read(h, b.peb, unsafe.Pointer(&block), unsafe.Sizeof(block)) || block.parameters == 0 {
		return p, false
	}
	return p, read(h, block.parameters, unsafe.Pointer(&p), unsafe.Sizeof(p))
}

// CommandLine returns the command line of a process, nil if it has none yet or
// its memory cannot be read.
func CommandLine(h syscall.Handle) []string {
	p, ok := given(h)
	line := p.commandLine
	if !ok || line.length == 0 || line.at == 0 {
		return nil
	}
	words := make([]uint16, line.length/2+1) // it ends in a zero
	if !read(h, line.at, unsafe.Pointer(&words[0]), uintptr(line.length)) {
		return nil
	}
	var n int32
	list, err := syscall.CommandLineToArgv(&words[0], &n)
	if err != nil {
		return nil
	}
	defer syscall.LocalFree(syscall.Handle(unsafe.Pointer(list)))
	argv := make([]string, n)
	for i := range argv {
		argv[i] = syscall.UTF16ToString(list[i][:])
	}
	return argv
}

// Group returns the number of a process's group, which is that of its first
// process; 0 if it cannot be read.
func Group(h syscall.Handle) uint32 {
	p, _ := given(h)
	return p.group
}

// read copies from the memory of another process.
func read(h syscall.Handle, from uintptr, to unsafe.Pointer, size uintptr) bool {
	r, _, _ := readProcessMemory.Call(uintptr(h), from, uintptr(to), size, 0)
	return r != 0
}

// Break sends CTRL_BREAK to a process group.
func Break(group uint32) error {
	if r, _, err := generateConsoleCtrlEvent.Call(ctrlBreakEvent, uintptr(group)); r == 0 {
		return err
	}
	return nil
}

// Resume lets a process run that was started suspended: it has one thread.
func Resume(pid uint32) error {
	snapshot, err := syscall.CreateToolhelp32Snapshot(snapshotOfThreads, 0)
	if err != nil {
		return err
	}
	defer syscall.CloseHandle(snapshot)
	entry := struct{ size, usage, thread, process, base, delta, flags uint32 }{}
	entry.size = uint32(unsafe.Sizeof(entry))
	r, _, err := thread32First.Call(uintptr(snapshot), uintptr(unsafe.Pointer(&entry)))
	for ; r != 0; r, _, err = thread32Next.Call(uintptr(snapshot), uintptr(unsafe.Pointer(&entry))) {
		if entry.process != pid {
			continue
		}
		thread, _, err := openThread.Call(suspendResume, 0, uintptr(entry.thread))
		if thread == 0 {
			return err
		}
		defer syscall.CloseHandle(syscall.Handle(thread))
		if n, _, err := resumeThread.Call(thread); int32(n) == -1 {
			return err
		}
		return nil
	}
	return err
}
