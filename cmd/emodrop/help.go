package main

import (
	"github.com/spf13/cobra"

	"emodrop/shared/words"
)

// text is one phrase in every language.
type text struct{ en, zh string }

// verb is a command as this file makes it from its parts.
type verb struct {
	use         string
	short, long text
	example     string
	// least and most arguments; most is -1 for any number.
	least, most int
	// alone: it needs no stack.
	alone bool
	run   func(cmd *cobra.Command, args []string) error
	// offers completes an argument.
	offers offer
}

// command makes a verb's command, with the flags that all of them have.
func (p *program) command(v verb) *cobra.Command {
	cmd := &cobra.Command{
		Use: v.use, Short: p.pick(v.short.en, v.short.zh), Long: p.pick(v.long.en, v.long.zh), Example: v.example, RunE: v.run,
		Args:              p.arguments(v.least, v.most),
		ValidArgsFunction: p.completer(v.offers, v.most),
	}
	if v.alone {
		return cmd
	}
	fl := cmd.Flags()
	fl.StringVar(&p.wanted.Stack, "stack", "", p.pick("a deployed stack, by its CloudFormation name (EMODROP_STACK)", "已部署的 CloudFormation 堆栈名称（EMODROP_STACK）"))
	fl.StringVar(&p.wanted.Region, "region", "", p.pick("the deployed stack's region (AWS_REGION); never guessed", "部署所在地域（AWS_REGION），不会猜测"))
	fl.StringVar(&p.wanted.Home, "home", "", p.pick("the local stack's folder (EMODROP_HOME; default: this one, or the nearest above)", "本地部署的目录（EMODROP_HOME；默认为当前目录或最近的上级目录）"))
	fl.StringVar(&p.wanted.Table, "table", "", p.pick("the jobs table, where CloudFormation knows nothing (EMODROP_TABLE)", "任务表，用于未经 CloudFormation 的部署（EMODROP_TABLE）"))
	fl.StringVar(&p.wanted.Inbox, "inbox", "", p.pick("the inbox bucket (EMODROP_INBOX)", "收件桶（EMODROP_INBOX）"))
	fl.StringVar(&p.wanted.Outbox, "outbox", "", p.pick("the outbox bucket (EMODROP_OUTBOX)", "成品桶（EMODROP_OUTBOX）"))
	return cmd
}

func (p *program) group(root *cobra.Command, id, title string, cmds ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, c := range cmds {
		c.GroupID = id
		root.AddCommand(c)
	}
}

// helped gives the commands a help that begins with examples.
func (p *program) helped(root *cobra.Command) {
	root.SetHelpTemplate(`{{.Short}}

{{if .HasExample}}` + p.pick("Examples:", "示例：") + `
{{.Example}}

{{end}}{{with .Long}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`)
	root.SetUsageTemplate(p.pick("Usage:", "用法：") + `{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{$cmds := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}

` + p.pick("And:", "其他：") + `{{range $cmds}}{{if (and (eq .GroupID "") (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + p.pick("Flags:", "参数：") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + p.pick("Everywhere:", "通用：") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`)
}

// helpFlags says in the language of this run what -h does.
func (p *program) helpFlags(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.Flags().Lookup("help").Usage = p.pick("this help", "显示此帮助")
	for _, c := range cmd.Commands() {
		p.helpFlags(c)
	}
}

// localised gives the commands that cobra makes a short description in the language of
// this run.
func (p *program) localised(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	p.helpFlags(root)
	if p.lang != words.Chinese {
		return
	}
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Long = "查看命令的帮助", ""
		case "completion":
			c.Short, c.Long = "生成命令行补全脚本", "生成所指定 shell 的补全脚本，各子命令的帮助说明如何使用。"
			for _, shell := range c.Commands() {
				now, always := loading(shell.Name())
				shell.Short = "生成 " + shell.Name() + " 的补全脚本"
				shell.Long = "在当前会话中加载：\n\n\t" + now + "\n\n每个新会话都加载，执行一次：\n\n\t" + always
				if f := shell.Flags().Lookup("no-descriptions"); f != nil {
					f.Usage = "补全时不显示说明"
				}
			}
		}
	}
}

// loading are the lines by which a shell takes its completion script, now and always, as
// the library's own help has them.
func loading(shell string) (now, always string) {
	switch shell {
	case "bash":
		return "source <(emodrop completion bash)", "emodrop completion bash > /etc/bash_completion.d/emodrop"
	case "fish":
		return "emodrop completion fish | source", "emodrop completion fish > ~/.config/fish/completions/emodrop.fish"
	case "powershell":
		return "emodrop completion powershell | Out-String | Invoke-Expression", "emodrop completion powershell | Out-String >> $PROFILE"
	}
	return "source <(emodrop completion zsh)", "emodrop completion zsh > \"${fpath[1]}/_emodrop\""
}
