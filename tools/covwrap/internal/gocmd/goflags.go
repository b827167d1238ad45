package gocmd

import (
	"fmt"
	"strings"
)

// SplitGOFLAGS splits the value of GOFLAGS into flags, as the go command does
// (cmd/internal/quoted): words between white space; a word that begins with a
// single or double quote ends at the next such quote; no escapes.
func SplitGOFLAGS(s string) ([]string, error) {
	var flags []string
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return flags, nil
		}
		if q := s[0]; q == '\'' || q == '"' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return nil, fmt.Errorf("GOFLAGS: the quote %c is never closed in %q; close it or take it out", q, s)
			}
			flags, s = append(flags, s[1:1+end]), s[end+2:]
			continue
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		flags, s = append(flags, s[:end]), s[end:]
	}
}

// JoinGOFLAGS is the reverse of SplitGOFLAGS. It fails for a flag that needs
// both kinds of quotes, which GOFLAGS cannot express.
func JoinGOFLAGS(flags []string) (string, error) {
	var b strings.Builder
	for i, f := range flags {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch plain := f != "" && !strings.ContainsAny(f, " \t\r\n") && f[0] != '\'' && f[0] != '"'; {
		case plain:
			b.WriteString(f)
		case !strings.Contains(f, "'"):
			b.WriteString("'" + f + "'")
		case !strings.Contains(f, `"`):
			b.WriteString(`"` + f + `"`)
		default:
			return "", fmt.Errorf("GOFLAGS cannot hold %q: it needs both kinds of quotes; give that flag on the command line instead", f)
		}
	}
	return b.String(), nil
}
