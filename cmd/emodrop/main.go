// Command emodrop is emodrop's command line: the whole stack on one machine, and the
// hands and eyes of a person on that one or on a deployed one alike.
//
// It works with the person's own AWS credentials on the same records and files as
// the functions, by the same conditional moves. Its one invariant: data goes to
// standard output, talk to standard error, and an exit code means the same for ever.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with what it writes to as parameters.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdin: os.Stdin, stdout: stdout, stderr: stderr, env: os.Getenv, find: reach.Find}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	lang, known := languageOf(args, p.env)
	p.lang, p.called = lang, "emodrop"
	_, p.json = valueOf(args, "--json")
	if !known {
		return p.tell(p.usage("--lang: want en or zh", "--lang：应为 en 或 zh"))
	}
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return p.tell(err)
}

// root is the whole tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "emodrop",
		Short: p.pick("Drop a portrait and a voice recording, get a talking-head video", "放入一张人像和一段录音，得到一段说话视频"),
		Long: p.pick("emodrop runs the whole pipeline on this machine, with an emulator of the vendor: no account, no key. The same\n"+
			"commands work with that stack and with one in your AWS account (--stack NAME, your own credentials).\n"+
			"Data goes to standard output, talk to standard error.",
			"emodrop 可在本机运行整条流水线（视频服务由模拟器代替，无需账户和密钥）。同一套命令既可用于本地部署，\n也可用于您 AWS 账户中的部署（--stack NAME，使用您自己的凭证）。数据写到标准输出，提示写到标准错误。"),
		Example: p.pick("  emodrop up                          # the whole stack here; a page opens, drop/ takes files\n"+
			"  emodrop demo                        # one sample pair from drop to film\n"+
			"  emodrop submit anna.jpg anna.mp3 --watch\n"+
			"  emodrop list --stack emodrop        # of a stack in your AWS account",
			"  emodrop up                          # 在本机运行整个系统；打开页面，drop/ 接收文件\n"+
				"  emodrop demo                        # 用示例文件制作一段视频\n"+
				"  emodrop submit anna.jpg anna.mp3 --watch\n"+
				"  emodrop list --stack emodrop        # 查看您 AWS 账户中的部署"),
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(p.wrongFlag)
	root.Args = p.arguments(0, 0)
	root.PersistentFlags().String("lang", "", p.pick("language: en or zh (default: as LC_ALL, LC_MESSAGES or LANG says)", "语言：en 或 zh（默认依 LC_ALL、LC_MESSAGES、LANG）"))
	root.PersistentFlags().BoolVar(&p.json, "json", p.json, p.pick("JSON, one value to a line; errors too, as {\"code\",\"message\",\"fix\"} on standard error", "输出 JSON，每行一个；错误以 {\"code\",\"message\",\"fix\"} 写到标准错误"))
	p.helped(root)
	p.group(root, "here", p.pick("On this machine:", "在本机运行："), p.upCommand(), p.demoCommand(), p.invokeCommand(), p.emulatorCommand())
	p.group(root, "hand", p.pick("Hand in and fetch:", "提交与下载："), p.submitCommand(), p.batchCommand(), p.getCommand())
	p.group(root, "look", p.pick("Look:", "查看："), p.statusCommand(), p.watchCommand(), p.listCommand(), p.consoleCommand(), p.costCommand(), p.explainCommand())
	p.group(root, "decide", p.pick("Decide:", "处理："), p.decisions()...)
	p.group(root, "care", p.pick("Look after the stack:", "维护："), p.doctorCommand(), p.sweepCommand())
	root.AddCommand(p.versionCommand())
	p.localised(root)
	return root
}
