package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
	"github.com/covwrap/covwrap/tools/covwrap/internal/credhelper"
)

// remoteFlags are the flags that say how to reach a remote cache, by Bazel's
// names and with Bazel's meaning: what a .bazelrc has can be given here.
type remoteFlags struct {
	cas     cas.Options
	headers stringList
	helpers stringList
}

// add defines the flags.
func (f *remoteFlags) add(s *flag.FlagSet) {
	s.StringVar(&f.cas.RemoteCache, "remote_cache", "", "the remote cache, `grpcs://HOST` or grpc://HOST or unix:PATH (default: what the build event file names)")
	s.StringVar(&f.cas.InstanceName, "remote_instance_name", "", "the `NAME` of the instance there (default: what the build event file names)")
	s.Var(&f.headers, "remote_header", "send the header `NAME=VALUE` with every call; may be repeated")
	s.Var(&f.helpers, "credential_helper", "get headers from a credential helper, `[HOST=]PATH`; may be repeated")
	s.StringVar(&f.cas.TLSCertificate, "tls_certificate", "", "trust the certificates in `FILE`, not the system's")
	s.StringVar(&f.cas.TLSClientCertificate, "tls_client_certificate", "", "identify as the certificate in `FILE`")
	s.StringVar(&f.cas.TLSClientKey, "tls_client_key", "", "with --tls_client_certificate: its key, in `FILE`")
	s.IntVar(&f.cas.Retries, "remote_retries", cas.DefaultRetries, "try again `N` times after a transient failure")
	s.DurationVar(&f.cas.Timeout, "remote_timeout", cas.DefaultTimeout, "wait `TIME` for each answer")
}

// options returns what the flags say.
func (f *remoteFlags) options() (cas.Options, error) {
	f.cas.Headers = f.headers
	if f.cas.Retries == 0 {
		f.cas.Retries = -1 // none, as in Bazel; 0 is "not said" there
	}
	if f.cas.Timeout <= 0 {
		f.cas.Timeout = time.Hour
	}
	var err error
	f.cas.CredentialHelpers, err = credhelper.New(f.helpers, workspace())
	return f.cas, err
}

// workspace returns the folder of the Bazel workspace around the current
// folder, "" if there is none. The one that a build event file names is not
// asked for: the file must not decide which program is a credential helper.
func workspace() string {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		for _, name := range []string{"MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel", "REPO.bazel"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}

// stringList is a flag that may be repeated.
type stringList []string

// String implements flag.Value.
func (l *stringList) String() string { return strings.Join(*l, " ") }

// Set implements flag.Value.
func (l *stringList) Set(s string) error {
	*l = append(*l, s)
	return nil
}
