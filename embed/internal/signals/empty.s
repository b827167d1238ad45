// This file is empty. It lets the package declare functions without a body,
// which the linker takes from the Go runtime.
