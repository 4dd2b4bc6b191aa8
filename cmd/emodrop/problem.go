package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/words"
)

// Exit codes. They are stable: scripts rely on them.
const (
	exitOther       = 1
	exitUsage       = 2
	exitJobFailed   = 3 // a job ended without its film, or needs a person
	exitKey         = 4 // a key or a permission is missing or refused
	exitTimeout     = 5 // the wait ended, the job goes on
	exitInterrupted = 130
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// problem is an error as it is told: to people as a sentence and what to do, to
// programs by its code.
type problem struct {
	exit int
	// Code is stable.
	Code    string `json:"code"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

func (e *problem) Error() string { return strings.TrimSpace(e.Message + " " + e.Fix) }

// problem makes one in the language of this run.
func (p *program) problem(exit int, code, en, zh, fixEN, fixZH string, args ...any) *problem {
	return &problem{exit, code, fmt.Sprintf(p.pick(en, zh), args...), p.pick(fixEN, fixZH)}
}

// told is an error that has been told already, one line for each of several things;
// what is left of it is the exit code.
type told struct{ exit int }

func (t *told) Error() string { return fmt.Sprintf("exit code %d", t.exit) }

// problemOf is the one place where an error becomes what is told of it.
func (p *program) problemOf(err error) *problem {
	var (
		pr     *problem
		exit   *exitError
		no     *operate.Refusal
		lost   *reach.Refusal
		start  *stack.Refusal
		file   *fs.PathError
		api    smithy.APIError
		vendor interface{ Verdict() job.Verdict }
	)
	switch {
	case errors.As(err, &pr):
		return pr
	case errors.As(err, &exit):
		what, fix, _ := strings.Cut(exit.err.Error(), "\n  ")
		code := map[int]string{exitUsage: "usage", exitJobFailed: "job_failed", exitKey: "refused", exitTimeout: "timeout"}[exit.code]
		if code == "" {
			code = "other"
		}
		return &problem{exit.code, code, what, fix}
	case errors.As(err, &no):
		what, fix := no.Say(p.lang)
		return &problem{exitOther, no.Code, what, fix}
	case errors.As(err, &lost):
		what, fix := lost.Say(p.lang)
		pr := &problem{exitOther, lost.Code, what, fix}
		switch {
		case lost.Usage:
			pr.exit = exitUsage
		case lost.Key:
			pr.exit = exitKey
		}
		return pr
	case errors.As(err, &start):
		what, fix := start.Say(p.lang)
		pr := &problem{exitOther, start.Code, what, fix}
		if start.Key() {
			pr.exit = exitKey
		}
		return pr
	case errors.Is(err, reach.ErrNoSecret):
		return p.problem(exitUsage, "no_secret", "The secret with the API key is not named.", "未指定存放 API Key 的密钥。",
			"Set EMODROP_API_KEY_SECRET, or name the stack: --stack NAME.", "请设置 EMODROP_API_KEY_SECRET，或使用 --stack NAME。")
	case errors.Is(err, reach.ErrEmptySecret):
		return p.problem(exitKey, job.CodeKeyRefused, "The secret with the API key is empty.", "存放 API Key 的密钥为空。",
			"Put the DashScope key into it, as plain text: the stack's output PutTheKey is the command.",
			"请以纯文本填入 DashScope API Key：部署的输出 PutTheKey 即为所需命令。")
	case errors.As(err, &api) && refuses(api.ErrorCode()):
		return p.problem(exitKey, "aws_refuses", "AWS refuses: %s.", "AWS 拒绝了请求：%s。",
			"Use credentials that may work with this stack, and see that they have not expired: aws sts get-caller-identity.",
			"请使用有权限且未过期的凭证：aws sts get-caller-identity。", strings.TrimSuffix(oneLine(api.ErrorCode()+": "+api.ErrorMessage()), "."))
	case strings.Contains(err.Error(), "get credentials"):
		return p.problem(exitKey, "no_credentials", "There are no AWS credentials.", "没有可用的 AWS 凭证。",
			"Log in (aws sso login), name a profile (AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
			"请登录（aws sso login）、指定配置（AWS_PROFILE），或设置 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY。")
	case errors.As(err, &vendor):
		v := vendor.Verdict()
		if v.Outcome == job.OperatorNeeded {
			code := job.ClosureOf(v, time.Now()).Code
			what, fix := words.Explain(job.Fault{Code: code}, job.Name{}, p.lang)
			return &problem{exitKey, code, what, fix}
		}
		return p.problem(exitOther, "vendor", "The video service could not be asked: %s.", "无法访问视频服务：%s。", "Try again in a minute.", "请一分钟后再试。", oneLine(err.Error()))
	case errors.As(err, &file):
		return p.problem(exitOther, "file", "%s cannot be read or written: %s.", "无法读写 %s：%s。",
			"Look at its folder, at the permissions, and whether the disk is full.", "请检查其目录、权限和磁盘空间。", oneLine(file.Path), oneLine(file.Err.Error()))
	case errors.Is(err, context.DeadlineExceeded):
		return p.problem(exitOther, "no_answer", "No answer came in time: %s.", "未能及时得到响应：%s。", "Try again.", "请重试。", oneLine(err.Error()))
	}
	return &problem{exitOther, "other", oneLine(err.Error()), ""}
}

// refuses says whether an error code of AWS is about who asks.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/CommonErrors.html
func refuses(code string) bool {
	for _, part := range []string{"AccessDenied", "Unauthorized", "NotAuthorized", "ExpiredToken", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClient",
		"SignatureDoesNotMatch", "InvalidSignature", "InvalidAccessKeyId", "MissingAuthenticationToken", "AuthFailure", "OptInRequired", "Forbidden"} {
		if strings.HasPrefix(code, part) {
			return true
		}
	}
	return false
}

// tell tells an error and returns the exit code.
func (p *program) tell(err error) int {
	var done *told
	if errors.As(err, &done) {
		return done.exit
	}
	pr := p.problemOf(err)
	if p.json {
		p.jsonTo(p.stderr, pr)
		return pr.exit
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.stderr, "emodrop:", pr.Message)
	if pr.Fix != "" {
		fmt.Fprintln(p.stderr, "  "+pr.Fix)
	}
	return pr.exit
}

// each does something for every argument and tells what goes wrong with one before
// it goes on to the next. The first trouble decides the exit code.
func (p *program) each(ctx context.Context, args []string, do func(string) error) error {
	var first error
	for _, a := range args {
		err := do(a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		if len(args) == 1 {
			return err
		}
		if code := p.tell(err); first == nil {
			first = &told{code}
		}
	}
	return first
}

// failed is how a job ended, as an error: in the words of its fault.
func (p *program) failed(j job.Job) *problem {
	if j.Fault == nil {
		return p.problem(exitJobFailed, "job_failed", "“%s”: %s.", "“%s”：%s。", "", "", oneLine(j.Name.String()), words.State(j.State, p.lang))
	}
	what, fix := words.Explain(*j.Fault, j.Name, p.lang)
	return &problem{exitJobFailed, j.Fault.Code, what, fix}
}
