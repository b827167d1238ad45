package launch

import "strings"

// Names of environment variables.
const (
	DirVar     = "COVWRAP_DIR"     // the profile directory
	TestVar    = "COVWRAP_TEST"    // what the rules wrap
	OptionsVar = "COVWRAP_OPTIONS" // how the rules want it
	stageVar   = "COVWRAP_STAGE"   // the launcher, to itself
	goVar      = "GOCOVERDIR"
)

// childEnv is the environment of the test.
func childEnv(c Config) []string {
	env := Environ(c.Env, DirVar+"="+c.Profile)
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, goVar+"="); ok && v != "" {
			return env
		}
	}
	return append(Environ(env), goVar+"="+c.Profile)
}

// Environ returns env without the variables that are for the launcher, and
// with those of set replaced or added.
func Environ(env []string, set ...string) []string {
	drop := map[string]bool{TestVar: true, OptionsVar: true, stageVar: true}
	for _, kv := range set {
		name, _, _ := strings.Cut(kv, "=")
		drop[name] = true
	}
	out := make([]string, 0, len(env)+len(set)+1)
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); !drop[name] {
			out = append(out, kv)
		}
	}
	return append(out, set...)
}
