package reach

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"

	"emodrop/local/stack"
	"emodrop/shared/job"
)

// Wanted is which stack a person means. What is empty was not said.
type Wanted struct {
	// Stack is the name of a CloudFormation stack.
	Stack string
	// Home is the folder of a local stack; empty: this one, or the nearest above.
	Home string
	// Region of a deployed stack.
	Region string
	// Table, Inbox and Outbox name the parts of a stack that CloudFormation does
	// not know.
	Table, Inbox, Outbox string
}

func (w Wanted) parts() bool { return w.Table+w.Inbox+w.Outbox != "" }

// Place is what is known of a stack.
type Place struct {
	// Name is what people call it.
	Name string
	// Local tells that it runs on this machine; Home is its folder then. Simulated
	// tells that its vendor is the emulator: nothing it does is paid.
	Local, Simulated bool
	Home             string

	Region, Table, Inbox, Outbox string
	// Secret is the secret with the vendor's API key; VendorURL and Workspace are
	// empty for the vendor's own.
	Secret, VendorURL, Workspace string
	// Submit is the submit function.
	Submit string
	// Topics people subscribe to, and queues of what was given up, by what they
	// are called in CloudFormation's outputs.
	Topics, DeadLetters map[string]string
	// Ratio is the shape of a film that asks for none.
	Ratio job.Ratio
}

// Find finds the stack that is meant: as the flags say, as the environment says, or
// the local stack that runs here. The error is a *Refusal when there is none, or
// AWS's own.
func Find(ctx context.Context, w Wanted, env func(string) string) (*Stack, error) {
	w, err := w.or(env)
	if err != nil {
		return nil, err
	}
	switch {
	case w.Stack != "":
		cfg, err := account(ctx, w.Region)
		if err != nil {
			return nil, err
		}
		p, err := deployed(ctx, cfg, w.Stack)
		if err != nil {
			return nil, err
		}
		return Open(p, cfg, nil)
	case w.parts():
		p, err := given(w, env)
		if err != nil {
			return nil, err
		}
		cfg, err := account(ctx, w.Region)
		if err != nil {
			return nil, err
		}
		p.Region = cfg.Region
		return Open(p, cfg, nil)
	}
	return here(ctx, w.Home)
}

// or completes what the flags say by the environment. A stack that the flags name
// in one way is not mixed with one that the environment names in another.
func (w Wanted) or(env func(string) string) (Wanted, error) {
	ways := 0
	for _, said := range []bool{w.Stack != "", w.Home != "", w.parts()} {
		if said {
			ways++
		}
	}
	text := func(name string) string { return strings.TrimSpace(env(name)) }
	if ways > 1 {
		return w, &Refusal{Code: "usage", Usage: true,
			what: [2]string{"--stack, --home and --table/--inbox/--outbox name three different stacks", "--stack、--home 与 --table/--inbox/--outbox 指向不同的部署"},
			fix:  [2]string{"Give one of them.", "请只使用其中一种。"}}
	}
	if ways == 0 {
		if w.Stack = text("EMODROP_STACK"); w.Stack == "" {
			w.Home = text("EMODROP_HOME")
		}
	}
	if w.Stack == "" && w.Home == "" {
		for to, name := range map[*string]string{&w.Table: "EMODROP_TABLE", &w.Inbox: "EMODROP_INBOX", &w.Outbox: "EMODROP_OUTBOX"} {
			if *to == "" {
				*to = text(name)
			}
		}
	}
	return w, nil
}

// here is the local stack of a folder.
func here(ctx context.Context, home string) (*Stack, error) {
	dir := home
	if dir == "" {
		dir = "."
	}
	l, err := stack.Locate(ctx, dir)
	switch {
	case errors.Is(err, stack.ErrNone) && home == "":
		return nil, &Refusal{Code: "no_stack", Usage: true,
			what: [2]string{"No stack is named, and none runs in this folder or above it.", "没有指定部署，当前目录及其上级目录中也没有本地部署在运行。"},
			fix: [2]string{"Name a deployed one: --stack NAME. Or start a local one here: emodrop up. Or say where it is: --home DIR.",
				"指定已部署的：--stack NAME；或在此启动本地部署：emodrop up；或指明其目录：--home DIR。"}}
	case errors.Is(err, stack.ErrNone):
		return nil, &Refusal{Code: "no_stack", Usage: true,
			what:   [2]string{"There has been no local stack in ", "此目录中没有本地部署："},
			whatIs: home,
			fix:    [2]string{"Start one: emodrop up --home ", "启动一个：emodrop up --home "}, fixFor: home}
	case errors.Is(err, stack.ErrStopped):
		return nil, &Refusal{Code: "not_running",
			what: [2]string{"The local stack does not run: ", "本地部署没有在运行："}, whatIs: strings.TrimPrefix(err.Error(), stack.ErrStopped.Error()+": "),
			fix: [2]string{"Start it: emodrop up. Or name a deployed one: --stack NAME.", "请启动：emodrop up；或指定已部署的：--stack NAME。"}}
	case err != nil:
		return nil, err
	}
	return Open(Place{Name: l.Home, Local: true, Simulated: l.Simulated, Home: l.Home, Region: l.Region, Table: l.Table, Inbox: l.Inbox, Outbox: l.Outbox,
		Secret: l.APIKeySecret, VendorURL: l.VendorURL, Workspace: l.Workspace, Submit: l.SubmitFunction, Ratio: job.Square},
		// Nothing of the person's own AWS configuration counts here.
		aws.Config{Region: l.Region, BaseEndpoint: aws.String(l.URL),
			Credentials:                credentials.NewStaticCredentialsProvider(l.AccessKeyID, l.SecretAccessKey, ""),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported}, nil)
}

// given is a stack whose parts the flags or the environment name, by the names that
// the functions' own environment has.
func given(w Wanted, env func(string) string) (Place, error) {
	p := Place{Name: w.Table, Table: w.Table, Inbox: w.Inbox, Outbox: w.Outbox,
		Secret: env("EMODROP_API_KEY_SECRET"), VendorURL: env("EMODROP_VENDOR_URL"), Workspace: env("EMODROP_WORKSPACE"),
		Submit: env("EMODROP_SUBMIT_FUNCTION"), Ratio: job.Ratio(env("EMODROP_RATIO"))}
	if arn := env("EMODROP_TOPIC_ARN"); arn != "" {
		p.Topics = map[string]string{"ResultsTopic": arn}
	}
	var missing []string
	for _, part := range []struct{ value, name string }{{w.Table, "--table"}, {w.Inbox, "--inbox"}, {w.Outbox, "--outbox"}} {
		if part.value == "" {
			missing = append(missing, part.name)
		}
	}
	if len(missing) > 0 {
		return Place{}, &Refusal{Code: "usage", Usage: true,
			what: [2]string{"Parts of the stack are not named: ", "缺少以下参数："}, whatIs: strings.Join(missing, ", "),
			fix: [2]string{"Give the flags, or set EMODROP_TABLE, EMODROP_INBOX and EMODROP_OUTBOX. Or name the stack: --stack NAME.",
				"请提供这些参数，或设置 EMODROP_TABLE、EMODROP_INBOX、EMODROP_OUTBOX；或使用 --stack NAME。"}}
	}
	return p.shaped()
}

// shaped checks the default ratio.
func (p Place) shaped() (Place, error) {
	switch p.Ratio {
	case "":
		p.Ratio = job.Square
	case job.Square, job.Portrait, job.Auto:
	default:
		return Place{}, &Refusal{Code: "usage", Usage: true,
			what: [2]string{"EMODROP_RATIO is none of 1:1, 3:4, auto: ", "EMODROP_RATIO 不是 1:1、3:4 或 auto："}, whatIs: string(p.Ratio),
			fix: [2]string{"Set it as the stack has it.", "请设置为与部署一致的值。"}}
	}
	return p, nil
}

// account is the person's own AWS configuration. The region is as said, or as AWS's
// own settings say; never another.
func account(ctx context.Context, region string) (aws.Config, error) {
	opts := []func(*awsconfig.LoadOptions) error{awsconfig.WithLogger(logging.Nop{})}
	if region != "" {
		opts = append(opts, awsconfig.WithRegion(region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, &Refusal{Code: "aws_configuration", Key: true,
			what: [2]string{"The AWS configuration cannot be used: ", "AWS 配置不可用："}, whatIs: err.Error(),
			fix: [2]string{"Look at AWS_PROFILE, and at ~/.aws/config.", "请检查 AWS_PROFILE 和 ~/.aws/config。"}}
	}
	if cfg.Region == "" {
		return aws.Config{}, &Refusal{Code: "no_region", Usage: true,
			what: [2]string{"The stack's region is not known.", "不知道部署所在的地域。"},
			fix: [2]string{"Say it: --region REGION, or AWS_REGION, or a profile that has one. It is not guessed.",
				"请指定：--region REGION，或设置 AWS_REGION，或使用含地域的配置文件。"}}
	}
	return cfg, nil
}
