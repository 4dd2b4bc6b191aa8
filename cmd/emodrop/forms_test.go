//go:build linux || darwin

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/shared/job"
)

// The forms in which people and programs meet a verb.
const (
	inPipe     = "pipe"
	asJSON     = "json"
	atTerminal = "term"
)

// row is one verb, and what it does in each form. FORM in it is the form's name; HOME,
// IMAGE, AUDIO, PAIRS, MANIFEST, WRONG (a manifest with a wrong line), EVENT and OWN are
// the stack's folder, files that there are, and a folder of the row's own.
type row struct {
	call string
	code int
	// pipe is what standard output has to match, screen what a terminal shows.
	pipe, screen string
	// json are the names that every line has; nil: there is no line.
	json []string
	// text: what it prints is no data but a text, with --json too. table: it is a form of
	// its own, which does not go with --json. alone: it runs in the source tree, for it
	// finds no stack but makes one.
	text, table, alone bool
	// until it has said this it runs, and then until Ctrl-C.
	until string
	// before is what has to be there first.
	before func(h hands, form string)
}

// theForms are in the order in which they are run: a row may build on the one above it.
func theForms() []row {
	jobNames := []string{"id", "name", "state", "attempt"}
	submitted := func(h hands, form string) {
		h.good("submit", "IMAGE", "AUDIO", "--name", "q-"+form)
		h.reaches("q-"+form, job.Received, job.Queued)
	}
	return []row{
		{call: "version", pipe: `^emodrop \S+ go\S+ \w+/\w+\n$`, screen: `emodrop `, json: []string{"version", "go", "os", "arch"}},
		{call: "help list", pipe: `Examples:`, screen: `Examples:`, text: true},
		{call: "completion bash", pipe: `bash completion`, screen: `bash completion`, text: true},
		{call: "completion zsh", pipe: `#compdef emodrop`, screen: `#compdef`, text: true},
		{call: "completion fish", pipe: `fish completion`, screen: `fish completion`, text: true},
		{call: "completion powershell", pipe: `powershell completion`, screen: `powershell completion`, text: true},
		{call: "explain given_up", pipe: `given_up`, screen: `given_up`, json: []string{"code", "message", "fix", "charged", "retried"}},
		{call: "doctor", pipe: `(?s)(ok  .*){8}`, screen: `ok`, json: []string{"check", "ok", "message"}},
		{call: "submit IMAGE AUDIO --name sub-FORM --watch", pipe: `SUCCEEDED\tsub-pipe\tvideos/sub-pipe\.mp4\n$`, screen: `(?s)sent 2 of 2 files.*\x1b\[32mdone\x1b\[0m`,
			json: []string{"id", "name"}},
		{call: "batch PAIRS --folder FORM", pipe: `^[0-9a-f]{32}\tpipe/intro\n$`, screen: `(?s)term/intro  ←  portrait\.jpg \+ intro\.mp3 \+ intro\.json.*sent 3 of 3 files`, json: []string{"id", "name", "image", "audio", "options", "price_cny", "upload"}},
		{call: "batch MANIFEST --folder m-FORM", pipe: `^[0-9a-f]{32}\tm-pipe/hello\n$`, screen: `(?s)m-term/hello  ←  face\.jpg \+ hello\.mp3.*sent 3 of 3 files.*m-term/week\.results\.jsonl`,
			json: []string{"id", "name", "line", "image", "audio", "price_cny", "upload"}},
		{call: "batch WRONG", code: exitJobFailed, screen: `line 2: audio: is missing`, json: []string{"path", "line", "upload", "problem"}},
		{call: "watch done", pipe: `^\S+\t[0-9a-f]{32}\tSUCCEEDED\tdone\tvideos/done\.mp4\n$`, screen: `done`, json: jobNames},
		{call: "status", pipe: `sending: open`, screen: `sending: open`, json: []string{"stack", "in_flight", "queued", "gate"}},
		{call: "status done", pipe: `(?m)^  film +s3://`, screen: `\x1b\[32mdone\x1b\[0m`, json: jobNames},
		{call: "list --limit 3", pipe: `^([0-9a-f]{32}\t[A-Z]+\t[^\t]+\t[\d.]+\t[\d.]+\t\S+\n){3}$`, screen: `(?s)NAME +STATE.*done`, json: jobNames},
		{call: "cost", pipe: `total\t\d+\t`, screen: `together`, json: []string{"films", "billed_cny", "wasted_cny"}},
		{call: "cost --by tag --csv", pipe: `^tag,films,`, screen: `tag,films,`, table: true},
		{call: "get done --to OWN", pipe: `done\.mp4\n$`, screen: `done\.mp4`, json: []string{"path", "size", "sha256"}},
		{call: "replay done", pipe: `\tSUCCEEDED\tdone\n$`, screen: `SUCCEEDED`, json: jobNames},
		{call: "retry done", code: exitOther, screen: `--accept-charge`},
		{call: "hold --reason FORM", pipe: `\(pipe\)`, screen: `nothing is being sent`, json: []string{"gate", "closed"}},
		{call: "cancel q-FORM", pipe: `\tCANCELED\tq-pipe\n$`, screen: `CANCELED`, json: jobNames, before: submitted},
		{call: "resume", pipe: `sending: open`, screen: `sending: open`, json: []string{"gate"}},
		{call: "adopt a-FORM task-a", code: exitOther, screen: `does not know task task-a`, before: func(h hands, form string) { hold(h.t, h.home, "a-"+form) }},
		{call: "accept a-FORM", code: exitOther, screen: `held for another reason`},
		{call: "repost a-FORM", code: exitOther, screen: `--accept-charge`},
		{call: "repost a-FORM --accept-charge", pipe: `\tQUEUED\ta-pipe\n$`, screen: `QUEUED`, json: jobNames},
		{call: "give-up g-FORM", pipe: `\tCANCELED\tg-pipe\n$`, screen: `CANCELED`, json: jobNames, before: func(h hands, form string) { hold(h.t, h.home, "g-"+form) }},
		{call: "retry q-FORM", pipe: `\tRECEIVED\tq-pipe\n$`, screen: `RECEIVED`, json: jobNames},
		{call: "watch a-FORM", code: exitJobFailed, screen: `refused`, json: jobNames, pipe: `REJECTED`}, // its files were never there
		{call: "sweep", pipe: `^$`, screen: `objects looked at, 0 of them new`},
		{call: "console --no-open", pipe: `^http://127\.0\.0\.1:\d+\n$`, screen: `Ctrl-C ends it`, json: []string{"url"}, until: `http://127\.0\.0\.1:\d+`},
		{call: "invoke poll EVENT --home HOME", alone: true, pipe: `^null\n$`, screen: `null`, json: []string{"function", "answer", "failed"}},
		{call: "emulator --addr 127.0.0.1:0", alone: true, pipe: `/api/v1   key sk-emodrop-local   admin http`, screen: `/_emo/`, json: []string{"url", "key", "admin"}, until: `127\.0\.0\.1`},
		{call: "up --no-open --home OWN", alone: true, pipe: `(?s)emodrop is up:.*stop with Ctrl-C`, screen: `emodrop is up`, json: []string{"url", "drop", "videos", "inbox", "outbox", "region"},
			until: `stop with Ctrl-C|"url"`},
		{call: "demo --home OWN --speed 100", alone: true, pipe: `hello\.mp4\n  5\.68 s, 512×512`, screen: `hello\.mp4`, json: []string{"path", "seconds", "width", "size", "price_cny"}},
	}
}

func TestEveryVerbWorksAtATerminalInAPipeAndAsJSONThroughTheBuiltCommand(t *testing.T) {
	rows := theForms()
	var quiet bytes.Buffer
	var verbs, has []string
	for _, c := range newProgram(&quiet, &quiet, nil).root().Commands() {
		verbs = append(verbs, c.Name())
	}
	for _, r := range rows {
		verb, _, _ := strings.Cut(r.call, " ")
		has = append(has, verb)
	}
	slices.Sort(has)
	require.ElementsMatch(t, verbs, slices.Compact(has), "the verbs, and those that have a row")

	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	p := start(t, home, "up", "--no-open", "--speed", "100")
	p.address()
	dir := files(t, map[string][]byte{"week/portrait.jpg": sample.Portrait(), "week/intro.mp3": sample.SpeechChinese(), "week/intro.json": []byte(`{"tags":["spring"]}`),
		"_files/face.jpg": sample.Portrait(), "_files/hello.mp3": sample.SpeechChinese(), "week.jobs.csv": []byte("name,image,audio\nhello,_files/face.jpg,_files/hello.mp3\n"),
		"wrong.jobs.csv": []byte("name,image,audio\nhello,_files/face.jpg,\n")})
	event, err := filepath.Abs(filepath.Join("..", "..", "events", "scheduler-poll.json"))
	require.NoError(t, err)
	names := []string{"HOME", home, "IMAGE", filepath.Join(dir, "anna.jpg"), "AUDIO", filepath.Join(dir, "anna.mp3"), "PAIRS", filepath.Join(dir, "week"),
		"MANIFEST", filepath.Join(dir, "week.jobs.csv"), "WRONG", filepath.Join(dir, "wrong.jobs.csv"), "EVENT", event}
	h := hands{t: t, home: home, names: names}
	h.good("submit", "IMAGE", "AUDIO", "--name", "done", "--watch")
	require.Contains(t, h.good("__complete", "get", ""), "done\tdone", "completion knows the jobs that are there")
	for _, r := range rows {
		for _, form := range []string{inPipe, asJSON, atTerminal} {
			t.Run(r.call+" "+form, func(t *testing.T) {
				h := h
				h.t, h.names = t, append([]string{"OWN", t.TempDir(), "FORM", form}, names...)
				if r.before != nil {
					r.before(h, form)
				}
				h.check(r, form)
			})
		}
		if t.Failed() {
			return // what builds on it would only fail in vain
		}
	}
}

// check runs a row in one form and looks at what it says, and where.
func (h hands) check(r row, form string) {
	if r.table && form == asJSON {
		r = row{call: r.call, code: exitUsage, alone: r.alone}
	}
	args := strings.Fields(r.call)
	if form == asJSON {
		args = append(args, "--json")
	}
	cmd := h.command(args...)
	if r.alone {
		cmd.Dir = filepath.Join("..", "..")
	}
	var stdout, stderr said
	read := make(chan struct{})
	interrupt := func() { require.NoError(h.t, cmd.Process.Signal(os.Interrupt)) }
	if form == atTerminal {
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
		require.NoError(h.t, err)
		defer func() { _ = tty.Close() }()
		go func() {
			defer close(read)
			_, _ = io.Copy(&stdout, tty)
		}()
		interrupt = func() { // as a person does
			_, err := tty.WriteString("\x03")
			require.NoError(h.t, err)
		}
	} else {
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		require.NoError(h.t, cmd.Start())
		close(read)
	}
	if r.until != "" {
		stdout.wait(h.t, regexp.MustCompile(r.until), 3*time.Minute)
		interrupt()
	}
	_ = cmd.Wait() // the exit code is looked at
	<-read
	out, talk := stdout.String(), stderr.String()
	require.Equal(h.t, r.code, cmd.ProcessState.ExitCode(), "%s\n%s", out, talk)
	switch {
	case form == atTerminal:
		require.Regexp(h.t, r.screen, out)
	case form == inPipe || r.text:
		require.Regexp(h.t, r.pipe, out)
		require.NotContains(h.t, out+talk, "\x1b", "nothing is drawn where nobody looks")
		require.Equal(h.t, r.code != 0, strings.Contains(talk, "emodrop: "), talk)
	default:
		lines := objects(h.t, out)
		require.Equal(h.t, r.json != nil, len(lines) > 0, out)
		for _, l := range lines {
			for _, name := range r.json {
				require.Contains(h.t, l, name, out)
			}
		}
		if r.code == 0 {
			require.Empty(h.t, talk, "nothing else is said")
			return
		}
		problems := objects(h.t, talk)
		require.Len(h.t, problems, 1, talk)
		for _, name := range []string{"code", "message", "fix"} {
			require.NotEmpty(h.t, problems[0][name], talk)
		}
	}
}
