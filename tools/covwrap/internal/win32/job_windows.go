package win32

import (
	"syscall"
	"unsafe"
)

// Job is a job object: a set of processes to which all that they start belongs
// by birth. It tells of their beginnings and ends through a port.
type Job struct{ handle, port syscall.Handle }

// What a job tells (winnt.h, JOB_OBJECT_MSG_*).
const (
	NewProcess      = 6
	ExitProcess     = 7
	AbnormalExit    = 8
	Woken           = 1 << 30 // not of Windows: by Wake
	jobAccounting   = 1       // JobObjectBasicAccountingInformation
	jobPort         = 7       // JobObjectAssociateCompletionPortInformation
	jobLimits       = 9       // JobObjectExtendedLimitInformation
	killOnClose     = 0x2000
	breakawayIsFine = 0x800
)

var (
	kernel32                  = syscall.NewLazyDLL("kernel32.dll")
	createJobObject           = kernel32.NewProc("CreateJobObjectW")
	setInformationJobObject   = kernel32.NewProc("SetInformationJobObject")
	queryInformationJobObject = kernel32.NewProc("QueryInformationJobObject")
	assignProcessToJobObject  = kernel32.NewProc("AssignProcessToJobObject")
	getQueuedCompletionStatus = kernel32.NewProc("GetQueuedCompletionStatus")
)

// NewJob makes a job whose processes end when this process does, however that
// ends. Processes that ask to leave the job may, as they might without one; a
// job that forbids it would make them fail.
func NewJob() (*Job, error) {
	handle, _, err := createJobObject.Call(0, 0)
	if handle == 0 {
		return nil, err
	}
	j := &Job{handle: syscall.Handle(handle)}
	limits := struct {
		times                   [2]int64
		flags                   uint32
		minWorking, maxWorking  uintptr
		active                  uint32
		affinity                uintptr
		priority, scheduling    uint32
		io                      [6]uint64
		memory, jobMemory, peak uintptr
		jobPeak                 uintptr
	}{flags: killOnClose | breakawayIsFine}
	if err := j.set(jobLimits, unsafe.Pointer(&limits), unsafe.Sizeof(limits)); err != nil {
		j.Close()
		return nil, err
	}
	if j.port, err = syscall.CreateIoCompletionPort(syscall.InvalidHandle, 0, 0, 1); err != nil {
		j.Close()
		return nil, err
	}
	association := struct {
		key  uintptr
		port syscall.Handle
	}{0, j.port}
	if err := j.set(jobPort, unsafe.Pointer(&association), unsafe.Sizeof(association)); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) set(class uintptr, info unsafe.Pointer, size uintptr) error {
	if r, _, err := setInformationJobObject.Call(uintptr(j.handle), class, uintptr(info), size); r == 0 {
		return err
	}
	return nil
}

// Add puts a process into the job.
func (j *Job) Add(process syscall.Handle) error {
	if r, _, err := assignProcessToJobObject.Call(uintptr(j.handle), uintptr(process)); r == 0 {
		return err
	}
	return nil
}

// Next waits for what the job tells: that something happened to a process.
// ok is false if there was nothing in time.
func (j *Job) Next(milliseconds uint32) (message, pid uint32, ok bool) {
	// The process number stands in the place of a pointer. It is none for Go,
	// whose runtime ends a program in whose pointers it finds small numbers.
	var key, overlapped uintptr
	r, _, _ := getQueuedCompletionStatus.Call(uintptr(j.port), uintptr(unsafe.Pointer(&message)),
		uintptr(unsafe.Pointer(&key)), uintptr(unsafe.Pointer(&overlapped)), uintptr(milliseconds))
	return message, uint32(overlapped), r != 0
}

// Wake lets Next return Woken, after all that was told before.
func (j *Job) Wake() error { return syscall.PostQueuedCompletionStatus(j.port, Woken, 0, nil) }

// Empty reports whether no process of the job is left.
func (j *Job) Empty() bool {
	var accounting struct {
		times                           [4]int64
		faults, total, active, finished uint32
	}
	r, _, _ := queryInformationJobObject.Call(uintptr(j.handle), jobAccounting,
		uintptr(unsafe.Pointer(&accounting)), unsafe.Sizeof(accounting), 0)
	return r == 0 || accounting.active == 0
}

// Close ends what is left in the job.
func (j *Job) Close() {
	syscall.CloseHandle(j.handle)
	if j.port != 0 {
		syscall.CloseHandle(j.port)
	}
}
