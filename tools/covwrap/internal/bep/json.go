package bep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The JSON form is protobuf's JSON mapping of the same messages, one object
// an event: 64-bit numbers are strings, enum values their names, durations
// "1.5s", bytes base64.

type jsonEvent struct {
	ID            jsonID       `json:"id"`
	Started       *jsonStarted `json:"started"`
	OptionsParsed struct {
		CmdLine []string `json:"cmdLine"`
	} `json:"optionsParsed"`
	Finished *struct {
		ExitCode struct {
			Code int `json:"code"`
		} `json:"exitCode"`
	} `json:"finished"`
	TestResult  *jsonResult `json:"testResult"`
	LastMessage bool        `json:"lastMessage"`
}

type jsonID struct {
	TestResult jsonTestID `json:"testResult"`
}

type jsonTestID struct {
	Label         string `json:"label"`
	Run           int    `json:"run"`
	Shard         int    `json:"shard"`
	Attempt       int    `json:"attempt"`
	Configuration struct {
		ID string `json:"id"`
	} `json:"configuration"`
}

type jsonStarted struct {
	BuildToolVersion   string `json:"buildToolVersion"`
	Command            string `json:"command"`
	WorkspaceDirectory string `json:"workspaceDirectory"`
}

type jsonResult struct {
	Status                      Status     `json:"status"`
	StatusDetails               string     `json:"statusDetails"`
	CachedLocally               bool       `json:"cachedLocally"`
	TestAttemptStart            time.Time  `json:"testAttemptStart"`
	TestAttemptStartMillisEpoch jsonInt64  `json:"testAttemptStartMillisEpoch"`
	TestAttemptDuration         string     `json:"testAttemptDuration"`
	TestAttemptDurationMillis   jsonInt64  `json:"testAttemptDurationMillis"`
	TestActionOutput            []jsonFile `json:"testActionOutput"`
	ExecutionInfo               struct {
		Strategy       string `json:"strategy"`
		Hostname       string `json:"hostname"`
		CachedRemotely bool   `json:"cachedRemotely"`
		ExitCode       int    `json:"exitCode"`
	} `json:"executionInfo"`
}

type jsonFile struct {
	Name     string    `json:"name"`
	URI      string    `json:"uri"`
	Contents []byte    `json:"contents"`
	Length   jsonInt64 `json:"length"`
}

// jsonInt64 is a 64-bit number, which the mapping writes as a string and
// allows as a number.
type jsonInt64 int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *jsonInt64) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not a 64-bit number", b)
	}
	*n = jsonInt64(v)
	return nil
}

// UnmarshalJSON implements json.Unmarshaler: a name of the enum, or a number
// where the writer knew a value that its own names did not.
func (s *Status) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	for i, name := range statusNames {
		if name == text {
			*s = Status(i)
			return nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("test status %s is unknown", b)
	}
	*s = Status(n)
	return nil
}

// readJSON adds the events of r to b.
func readJSON(r io.Reader, b *Build) error {
	dec := json.NewDecoder(r)
	for event := 1; ; event++ {
		var e jsonEvent
		switch err := dec.Decode(&e); {
		case err == io.EOF:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("event %d: %w", event, ErrTruncated)
		case err != nil:
			return fmt.Errorf("event %d (byte %d) is damaged: %w", event, dec.InputOffset(), err)
		}
		if err := b.addJSON(&e); err != nil {
			return fmt.Errorf("event %d (byte %d) is damaged: %w", event, dec.InputOffset(), err)
		}
	}
}

// addJSON adds what one event tells.
func (b *Build) addJSON(e *jsonEvent) error {
	if e.Started != nil {
		b.ToolVersion, b.Command, b.Workspace = e.Started.BuildToolVersion, e.Started.Command, e.Started.WorkspaceDirectory
	}
	b.Options = append(b.Options, e.OptionsParsed.CmdLine...)
	if e.Finished != nil {
		b.ExitCode = e.Finished.ExitCode.Code
	}
	b.Complete = b.Complete || e.LastMessage
	if e.TestResult == nil {
		return nil
	}
	id, r := e.ID.TestResult, e.TestResult
	if id.Label == "" {
		return errors.New("a test result without a label")
	}
	t := TestResult{
		Label: id.Label, Configuration: id.Configuration.ID,
		Run: id.Run, Shard: id.Shard, Attempt: id.Attempt,
		Status: r.Status, StatusDetails: r.StatusDetails,
		CachedLocally: r.CachedLocally, CachedRemotely: r.ExecutionInfo.CachedRemotely,
		Strategy: r.ExecutionInfo.Strategy, Host: r.ExecutionInfo.Hostname, ExitCode: r.ExecutionInfo.ExitCode,
		Start:    r.TestAttemptStart.UTC(),
		Duration: time.Duration(r.TestAttemptDurationMillis) * time.Millisecond,
	}
	if t.Start.IsZero() && r.TestAttemptStartMillisEpoch != 0 {
		t.Start = time.UnixMilli(int64(r.TestAttemptStartMillisEpoch)).UTC()
	}
	if r.TestAttemptDuration != "" {
		d, err := time.ParseDuration(r.TestAttemptDuration)
		if err != nil {
			return err
		}
		t.Duration = d
	}
	for _, f := range r.TestActionOutput {
		t.Outputs = append(t.Outputs, File{Name: f.Name, URI: f.URI, Contents: f.Contents, Length: int64(f.Length)})
	}
	b.Tests = append(b.Tests, t)
	return nil
}
