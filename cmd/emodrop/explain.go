package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

func (p *program) explainCommand() *cobra.Command {
	return p.command(verb{
		use:   "explain [CODE]...",
		short: text{"Say what a code means and what to do", "解释错误码及解决方法"},
		long: text{"CODE is one of emodrop's, as in records, messages and errors, or one of the video service's, such as\n" +
			"InvalidFile.FacePose. Without it, all of emodrop's are listed. Asks nobody anything.",
			"CODE 为 emodrop 的错误码（见记录、消息和报错），或视频服务的错误码，例如 InvalidFile.FacePose。不带参数时列出全部错误码。无需联网。"},
		example: "  emodrop explain create_ambiguous\n  emodrop explain InvalidFile.FacePose --lang zh\n  emodrop explain",
		most:    -1, alone: true,
		offers: func(*cobra.Command, []string) []string { return job.Codes() },
		run: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, code := range job.Codes() {
					p.explain(job.Fault{Code: code}, code)
				}
				return nil
			}
			return p.each(cmd.Context(), args, func(code string) error {
				if slices.Contains(job.Codes(), code) {
					p.explain(job.Fault{Code: code}, code)
					return nil
				}
				for _, of := range []string{job.CodeFaceRefused, job.CodeInputRefused} {
					f := job.Fault{Code: of, VendorCode: code}
					general, _ := words.Explain(job.Fault{Code: of}, job.Name{}, p.lang)
					if special, _ := words.Explain(f, job.Name{}, p.lang); special != general {
						p.explain(f, code)
						return nil
					}
				}
				return p.problem(exitUsage, "usage", "Nothing is known of the code %s.", "没有错误码 %s 的说明。",
					"See all that are: emodrop explain.", "用 emodrop explain 查看全部错误码。", oneLine(code))
			})
		},
	})
}

// explained is a problem with what it means for money, and what happens by itself.
type explained struct {
	problem
	Charged string `json:"charged"`
	Retried string `json:"retried"`
}

func (p *program) explain(f job.Fault, code string) {
	what, fix := words.Explain(f, job.Name{Stem: "NAME"}, p.lang)
	charged, retried := words.Terms(f.Code, p.lang)
	if p.json {
		p.line(explained{problem{Code: code, Message: what, Fix: fix}, charged, retried})
		return
	}
	p.print("%s\n  %s\n  %s\n  %s%s%s\n", paint(p.colour(p.stdout), bold, oneLine(code)), strings.TrimSpace(what), strings.TrimSpace(fix), charged, p.pick(" ", ""), retried)
}
