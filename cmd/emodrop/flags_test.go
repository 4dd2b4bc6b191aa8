package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
)

// wrongFlags are, for each flag of each verb, the wrong inputs that are tried: what
// stands behind the verb, or behind call where the verb wants arguments. A flag that has
// no row here fails the test below.
//
// IMAGE, AUDIO, DIR, MANIFEST and NOTES stand for files that there are. What an ordinary text is
// cannot be wrong, so only its absence is tried: "=" alone, at the end.
var wrongFlags = map[string]struct {
	call  string
	flags map[string][]string
}{
	"emodrop": {"", map[string][]string{"lang": {"list --lang fr", "--lang"}, "json": {"list --json=perhaps"}}},
	"up":      {"", upFlags(map[string][]string{"vendor": {"--vendor kling", "--vendor"}, "fresh": {"--fresh=perhaps"}, "no-open": {"--no-open=2"}})},
	"demo":    {"", upFlags(map[string][]string{"within": {"--within soon", "--within 0s", "--within -1m"}})},
	"invoke":  {"poll EVENT", map[string][]string{"home": {"--home nowhere", "--home"}}},
	"emulator": {"", map[string][]string{
		"addr": {"--addr 0.0.0.0:4650", "--addr :4650", "--addr 4650", "--addr example.com:4650"}, "speed": {"--speed 0", "--speed fast", "--speed NaN", "--speed +Inf"}, "slots": {"--slots 0", "--slots many"},
		"key": {"--key"}, "dir": {"--dir NOTES", "--dir"}, "push": {"--push ftp://x", "--push nowhere"}, "push-token": {"--push-token x", "--push-token"},
		"faults": {"--faults nowhere.json", "--faults NOTES"}, "verbose": {"--verbose=perhaps"}}},
	"submit": {"IMAGE AUDIO", stackFlagsOf(sendFlagsOf(map[string][]string{
		"name":    {"--name a/b", "--name portrait", "--name .anna", "--name", "AUDIO --name x"},
		"options": {"--options nowhere.json", "--options DIR", "--options"}}))},
	"batch":  {"DIR", stackFlagsOf(sendFlagsOf(nil))},
	"get":    {"a", stackFlagsOf(map[string][]string{"to": {"--to x -o y", "--to"}, "output": {"b --output x", "--output - --json", "--output"}, "force": {"--force=perhaps"}})},
	"status": {"", stackFlagsOf(nil)},
	"watch":  {"", stackFlagsOf(map[string][]string{"timeout": {"--timeout soon", "--timeout -1s"}, "every": {"--every 5", "--every -1s"}})},
	"list": {"", stackFlagsOf(map[string][]string{"limit": {"--limit 0", "--limit many", "--limit 10001", "--limit 1.5"}, "days": {"--days 0", "--days 91", "--days week"},
		"before": {"--before yesterday", "--before"}, "state": {"--state flying", "--state"}})},
	"console": {"", stackFlagsOf(map[string][]string{"port": {"--port -1", "--port 65536", "--port http"}, "no-open": {"--no-open=perhaps"}})},
	"cost": {"", stackFlagsOf(map[string][]string{"days": {"--days 0", "--days 91", "--days x"}, "by": {"--by week", "--by"},
		"csv": {"--csv=perhaps", "--csv --json"}})},
	"explain": {"", nil},
	"cancel":  {"a", stackFlagsOf(nil)},
	"retry":   {"a", stackFlagsOf(map[string][]string{"accept-charge": {"--accept-charge=perhaps"}})},
	"adopt":   {"a b", stackFlagsOf(nil)},
	"repost":  {"a", stackFlagsOf(map[string][]string{"accept-charge": {"--accept-charge=perhaps"}})},
	"accept":  {"a", stackFlagsOf(nil)},
	"give-up": {"a", stackFlagsOf(nil)},
	"replay":  {"a", stackFlagsOf(map[string][]string{"channel": {"--channel pigeon", "--channel"}})},
	"hold":    {"", stackFlagsOf(map[string][]string{"reason": {"--reason"}})},
	"resume":  {"", stackFlagsOf(nil)},
	"doctor":  {"", stackFlagsOf(map[string][]string{"vendor": {"--vendor kling", "--vendor"}})},
	"sweep": {"", stackFlagsOf(map[string][]string{"dry-run": {"--dry-run=perhaps"}, "yes": {"--yes=perhaps"}, "days": {"--days 0", "--days x", "--days 3 --all"},
		"all": {"--all --days 3", "--all=perhaps"}})},
	"version":    {"", nil},
	"help":       {"", nil},
	"completion": {"", nil},
}

// stackFlagsOf are the flags by which every verb finds its stack, and some more.
func stackFlagsOf(more map[string][]string) map[string][]string {
	all := map[string][]string{"stack": {"--stack", "--stack a --home b"}, "region": {"--region"}, "home": {"--home", "--home nowhere --stack a"}, "table": {"--table", "--table a --stack b"},
		"inbox": {"--inbox", "--inbox a --home b"}, "outbox": {"--outbox", "--outbox a --stack b"}}
	for name, rows := range more {
		all[name] = rows
	}
	return all
}

// sendFlagsOf are what submit and batch have in common.
func sendFlagsOf(more map[string][]string) map[string][]string {
	all := map[string][]string{"folder": {"--folder ../x", "--folder _x", "--folder a//b", "--folder"}, "dry-run": {"--dry-run=perhaps", "--dry-run --watch"}, "yes": {"--yes=perhaps"},
		"watch": {"--watch=perhaps", "--watch --dry-run"}, "timeout": {"--timeout 1s", "--watch --timeout -1s", "--watch --timeout soon"}}
	for name, rows := range more {
		all[name] = rows
	}
	return all
}

// upFlags are what up and demo have in common.
func upFlags(more map[string][]string) map[string][]string {
	all := map[string][]string{"home": {"--home NOTES", "--home"}, "port": {"--port many", "--port 70000", "--port -1"}, "speed": {"--speed -1", "--speed fast", "--speed NaN", "--speed Inf", "--speed 0.0001"},
		"transfer": {"--transfer pigeon", "--transfer"}, "max-in-flight": {"--max-in-flight 0", "--max-in-flight x"}, "slots": {"--slots 0", "--slots x"},
		"faults": {"--faults nowhere.json", "--faults NOTES", "--faults"}, "webhook": {"--webhook ftp://x", "--webhook http://example.com", "--webhook"},
		"daily-budget": {"--daily-budget 0", "--daily-budget -5", "--daily-budget much", "--daily-budget"}, "monthly-budget": {"--monthly-budget 1,50", "--monthly-budget"},
		"cloud-timing": {"--cloud-timing=perhaps"}, "verbose": {"--verbose=perhaps"}}
	for name, rows := range more {
		all[name] = rows
	}
	return all
}

// wrongArguments are calls that are wrong as such, with what is said of them.
var wrongArguments = map[string]string{
	"fly": `"fly"`, "--fly": "--fly", "-x": "-x", "up now": `"now"`, "up --fly": "--fly", "demo now": `"now"`, "emulator now": `"now"`, "invoke": "submit, poll, finalize, callback", "invoke submit": "submit, poll",
	"invoke submti EVENT": "submit, poll", "invoke submit EVENT more": "submit, poll", "invoke submit nowhere.json": "nowhere.json", "invoke submit NOTES": "notes.txt", "version please": `"please"`,
	"submit": "IMAGE AUDIO", "submit IMAGE": "IMAGE AUDIO", "submit nowhere.jpg AUDIO": "nowhere.jpg", "submit DIR AUDIO": "emodrop batch", "submit MANIFEST AUDIO": "emodrop batch", "submit IMAGE MANIFEST": "emodrop batch", "submit IMAGE AUDIO AUDIO": "anna.mp3",
	"batch": "DIR", "batch a b": `"b"`, "batch nowhere": "nowhere", "batch nowhere.jobs.csv": "nowhere.jobs.csv", "batch MANIFEST MANIFEST": "week.jobs.csv", "batch IMAGE": "emodrop submit", "get": "NAME|ID", "list now": `"now"`, "cost today": `"today"`, "console now": `"now"`,
	"cancel": "NAME|ID", "retry": "NAME|ID", "adopt a": "TASK", "adopt a b c": `"c"`, "repost": "NAME|ID", "repost a b": `"b"`, "accept": "NAME|ID", "accept a b": `"b"`, "give-up": "NAME|ID",
	"give-up a b": `"b"`, "replay": "NAME|ID", "hold now": `"now"`, "resume now": `"now"`, "explain Sabotage": "Sabotage", "doctor now": `"now"`, "sweep now": `"now"`,
}

// caller runs the command in a folder where no stack is.
type caller func(t *testing.T, env []string, args ...string) outcome

// inside runs it within the test, by builtCaller it is the built command that runs.
func inside(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	d := newProgram(&stdout, &stderr, env)
	code := d.run(context.Background(), args)
	return outcome{code, stdout.String(), stderr.String()}
}

func builtCaller(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), built(t), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code is looked at
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestWrongInputForEveryFlagOfEveryVerbIsAUsageErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	wrongInput(t, inside)
}

func TestTheBuiltCommandRefusesWrongInputForEveryFlagOfEveryVerb(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	wrongInput(t, builtCaller)
}

func wrongInput(t *testing.T, call caller) {
	dir := files(t, map[string][]byte{"notes.txt": []byte("x"), "event.json": []byte("{}"), "pairs/a.jpg": sample.Portrait(), "pairs/a.mp3": sample.SpeechChinese(), "week.jobs.csv": []byte("name,image\n")})
	fill := strings.NewReplacer("MANIFEST", filepath.Join(dir, "week.jobs.csv"), "IMAGE", filepath.Join(dir, "anna.jpg"), "AUDIO", filepath.Join(dir, "anna.mp3"), "DIR", filepath.Join(dir, "pairs"),
		"NOTES", filepath.Join(dir, "notes.txt"), "EVENT", filepath.Join(dir, "event.json"))
	args := func(line string) []string {
		var all []string
		for f := range strings.FieldsSeq(line) {
			all = append(all, fill.Replace(f))
		}
		return all
	}
	whole := t
	refuses := func(line, says string) {
		whole.Run(line, func(t *testing.T) { refused(t, call, args(line), says) })
	}
	var quiet bytes.Buffer
	root := newProgram(&quiet, &quiet, nil).root()
	seen := map[string]bool{}
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			seen[cmd.Name()] = true
			continue // the library's own
		}
		row, there := wrongFlags[cmd.Name()]
		require.True(t, there, "the verb %s has no row", cmd.Name())
		seen[cmd.Name()] = true
		var has []string
		flags := cmd.LocalFlags()
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			has = append(has, f.Name)
			require.NotEmpty(t, row.flags[f.Name], "--%s of %s has no wrong input", f.Name, cmd.Name())
			for _, wrong := range row.flags[f.Name] {
				line := row.call + " " + wrong
				if cmd != root {
					line = cmd.Name() + " " + line
				}
				refuses(line, "--"+f.Name)
			}
		})
		for name := range row.flags {
			require.Contains(t, has, name, "%s has no such flag", cmd.Name())
		}
	}
	for name := range wrongFlags {
		require.True(t, seen[name], "there is no verb %s", name)
	}
	for line, says := range wrongArguments {
		refuses(line, says)
	}
	verbs := map[string]bool{}
	for line := range wrongArguments {
		verb, _, _ := strings.Cut(line, " ")
		verbs[verb] = true
	}
	// Those that take any argument, as every name may be one of a job.
	for _, cmd := range root.Commands() {
		any := slices.Contains([]string{"status", "watch", "help", "completion"}, cmd.Name())
		require.NotEqual(t, any, verbs[cmd.Name()], "%s has no wrong argument", cmd.Name())
	}
}

// refused checks that a call is refused for being wrong, in words and for programs.
func refused(t *testing.T, call caller, args []string, says string) {
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--json") }) {
		o := call(t, []string{"LANG=en_US.UTF-8"}, args...)
		require.Equal(t, exitUsage, o.code, "%s%s", o.stdout, o.stderr)
		require.Empty(t, o.stdout)
		require.True(t, strings.HasPrefix(o.stderr, "emodrop: "), o.stderr)
		require.Contains(t, o.stderr, says)
		require.Greater(t, strings.Count(o.stderr, "\n"), 1, "what to do: %s", o.stderr)
	}
	// For programs, in the other language.
	o := call(t, []string{"LANG=zh_CN.UTF-8"}, append([]string{"--json"}, args...)...)
	require.Equal(t, exitUsage, o.code, o.stderr)
	require.Empty(t, o.stdout)
	all := objects(t, o.stderr)
	require.Len(t, all, 1, "one line")
	require.Len(t, all[0], 3, all[0])
	require.NotEmpty(t, all[0]["code"])
	require.Regexp(t, `\p{Han}`, all[0]["message"])
	require.Regexp(t, `\p{Han}`, all[0]["fix"])
	require.Contains(t, all[0]["message"].(string)+all[0]["fix"].(string), says)
}
