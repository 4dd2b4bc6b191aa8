package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage is a call that is wrong. Its way out is the help of the verb that was called.
func (p *program) usage(en, zh string, args ...any) *problem {
	return p.problem(exitUsage, "usage", en, zh, "see: "+p.called+" --help", "参见："+p.called+" --help", args...)
}

// wrongFlag says in the language of this run what is wrong with a flag: the library
// that reads them knows English alone.
func (p *program) wrongFlag(cmd *cobra.Command, err error) error {
	p.called = cmd.CommandPath()
	var (
		unknown *pflag.NotExistError
		empty   *pflag.ValueRequiredError
		value   *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if s := unknown.GetSpecifiedShortnames(); s != "" {
			name = "-" + s
		}
		return p.usage("there is no flag %s", "没有参数 %s", oneLine(name))
	case errors.As(err, &empty):
		f := empty.GetFlag()
		return p.usage("--%s wants a value: %s", "--%s 缺少值：%s", f.Name, p.wanting(f))
	case errors.As(err, &value):
		f := value.GetFlag()
		p.json = p.json || f.Name == "json" // whoever writes that is a program
		return p.usage("--%s %s: want %s", "--%s %s：应为%s", f.Name, oneLine(value.GetValue()), p.wanting(f))
	case errors.As(err, &syntax):
		return p.usage("%s is no flag", "%s 不是参数", oneLine(syntax.GetSpecifiedFlag()))
	}
	return p.usage("%s", "%s", oneLine(err.Error()))
}

// wanting is what a flag takes.
func (p *program) wanting(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return p.pick("true or false", " true 或 false")
	case "int":
		return p.pick("a whole number", "整数")
	case "float64":
		return p.pick("a number", "数字")
	case "duration":
		return p.pick("a time such as 90s or 30m", "时长，例如 90s 或 30m")
	}
	return f.Usage
}

// arguments refuses arguments of which there are fewer or more than a verb takes; most
// is -1 for any number.
func (p *program) arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		p.called = cmd.CommandPath()
		switch {
		case !cmd.HasParent() && len(args) > 0:
			return p.unknown(cmd, args[0])
		case len(args) < least:
			return p.usage("%s wants more: %s", "%s 缺少参数：%s", p.called, strings.TrimSpace(strings.TrimPrefix(cmd.Use, cmd.Name())))
		case most >= 0 && len(args) > most:
			return p.usage("%q is more than %s takes", "%q 多余，%s 不接受", oneLine(args[most]), p.called)
		}
		return nil
	}
}

// unknown is a verb that there is not.
func (p *program) unknown(root *cobra.Command, verb string) *problem {
	for distance := 1; distance <= 2; distance++ { // the nearest alone
		root.SuggestionsMinimumDistance = distance
		if near := root.SuggestionsFor(verb); len(near) > 0 {
			return p.usage("there is no verb %q; perhaps %s is meant", "没有命令 %q，是否指 %s？", oneLine(verb), strings.Join(near, ", "))
		}
	}
	return p.usage("there is no verb %q", "没有命令 %q", oneLine(verb))
}
