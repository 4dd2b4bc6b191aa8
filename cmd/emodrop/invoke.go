package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/local/stack"
)

// functions are what can be invoked.
var functions = []string{"submit", "poll", "finalize", "callback"}

func (p *program) invokeCommand() *cobra.Command {
	f := &stackFlags{}
	var home string
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION EVENT",
		Short: p.pick("Invoke one of the Lambda functions with an event", "用一个事件调用某个 Lambda 函数"),
		Long: p.pick("Runs the same binary with the same event as `sam local invoke`, without Docker, SAM or an account: against the\n"+
			"stack that `emodrop up` runs in this folder, or, when none does, against a fresh one that lives for the call.\n"+
			"EVENT is a JSON file, - for standard input. The answer goes to standard output, what the function logged to\n"+
			"standard error; the exit code is 1 when the function failed.",
			"与 `sam local invoke` 使用相同的程序和事件，但不需要 Docker、SAM 或账户：作用于当前目录中由 `emodrop up` 运行的部署；\n"+
				"没有运行的部署时，临时启动一个只用于本次调用的部署。EVENT 是 JSON 文件，- 表示标准输入。返回值写到标准输出，\n"+
				"函数的日志写到标准错误；函数失败时退出码为 1。"),
		Example:   "  emodrop invoke submit events/s3-put.json\n  echo '{\"dispatch\":true}' | emodrop invoke submit -",
		ValidArgs: functions,
		Args: func(cmd *cobra.Command, args []string) error {
			p.called = cmd.CommandPath()
			if len(args) != 2 || !slices.Contains(functions, args[0]) {
				return p.usage("want a function (%s) and an event", "需要一个函数（%s）和一个事件", strings.Join(functions, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if info, err := os.Stat(home); err != nil || !info.IsDir() {
				return p.usage("--home %s: want a folder that there is", "--home %s：应为存在的目录", oneLine(home))
			}
			event, err := p.readEvent(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			caller, end, err := f.caller(cmd.Context(), p, home)
			if err != nil {
				return err
			}
			a, err := caller.Invoke(cmd.Context(), args[0], event)
			if e := end(); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
			if p.json {
				p.line(answered{args[0], bytes.TrimSpace(a.Payload), a.Failed, strings.Split(strings.TrimSpace(string(logged(a.Log, a.Payload))), "\n")})
			} else {
				_, _ = cmd.ErrOrStderr().Write(logged(a.Log, a.Payload))
				p.print("%s\n", bytes.TrimSpace(a.Payload))
			}
			if a.Failed {
				return &exitError{exitOther, fmt.Errorf(p.pick("%s failed", "%s 失败"), args[0])}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&home, "home", ".", p.pick("folder of the stack that emodrop up runs", "emodrop up 所运行部署的目录"))
	return cmd
}

// answered is what came of an invocation as programs are told of it. Log is the
// function's own lines.
type answered struct {
	Function string          `json:"function"`
	Answer   json.RawMessage `json:"answer"`
	Failed   bool            `json:"failed"`
	Log      []string        `json:"log"`
}

// logged is a log without what the runtime wrote of a function's error: that is the
// answer, which is shown.
func logged(log, answer []byte) []byte {
	answer = bytes.TrimSpace(answer)
	if !bytes.HasPrefix(answer, []byte(`{"errorMessage"`)) {
		return log
	}
	var kept []byte
	for line := range bytes.Lines(log) {
		if !bytes.HasSuffix(bytes.TrimSpace(line), answer) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// readEvent reads an event and makes sure that it is one: a function never sees what
// is no JSON.
func (p *program) readEvent(stdin io.Reader, path string) ([]byte, error) {
	read := func() ([]byte, error) { return os.ReadFile(path) }
	if path == "-" {
		read = func() ([]byte, error) { return io.ReadAll(stdin) }
	}
	b, err := read()
	if err != nil {
		return nil, p.unreadable(path, err)
	}
	if !json.Valid(b) {
		return nil, p.usage("%s holds no JSON", "%s 不是 JSON", oneLine(path))
	}
	return b, nil
}

// caller finds the running stack, or starts one of its own beside the home, which
// end ends.
func (f *stackFlags) caller(ctx context.Context, p *program, home string) (c stack.Caller, end func() error, err error) {
	if c, running := stack.Find(ctx, home); running {
		return c, func() error { return nil }, nil
	}
	f.home, f.fresh, f.maxInFlight, f.slots = filepath.Join(home, ".emodrop", "invoke"), true, 3, 1
	cfg, err := f.config(ctx, p)
	if err != nil {
		return stack.Caller{}, nil, err
	}
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return stack.Caller{}, nil, err
	}
	return s.Caller(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return s.Close(ctx)
	}, nil
}
