package rt

// Numbers as text; package strconv is not initialised yet.

func appendUint(b []byte, v uint64) []byte {
	var t [20]byte
	i := len(t)
	for {
		i--
		t[i] = byte('0' + v%10)
		v /= 10
		if v == 0 {
			return append(b, t[i:]...)
		}
	}
}

func appendHex(b []byte, p []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range p {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

func utoa(v uint64) string { return string(appendUint(nil, v)) }

// parseUint reads the decimal number at the start of b.
func parseUint(b []byte) (v uint64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		v = v*10 + uint64(c-'0')
	}
	return v
}

// align rounds v up to a multiple of n, a power of two.
func align(v, n uint64) uint64 { return (v + n - 1) &^ (n - 1) }
