package reach

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"emodrop/shared/job"
)

// deployed is the stack that CloudFormation knows under a name: what its outputs and
// parameters say.
func deployed(ctx context.Context, cfg aws.Config, name string) (Place, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist") ||
		err == nil && len(out.Stacks) == 0 {
		return Place{}, &Refusal{Code: "no_stack",
			what: [2]string{"There is no stack of that name in this account and region: ", "该账户和地域中没有此名称的部署："}, whatIs: name + ", " + cfg.Region,
			fix: [2]string{"See which there are: aws cloudformation list-stacks --region ", "查看已有的部署：aws cloudformation list-stacks --region "}, fixFor: cfg.Region}
	}
	if err != nil {
		return Place{}, fmt.Errorf("look the stack %s up: %w", name, err)
	}
	s := out.Stacks[0]
	got, set := map[string]string{}, map[string]string{}
	for _, o := range s.Outputs {
		got[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range s.Parameters {
		set[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	if got["Table"] == "" || got["Inbox"] == "" || got["Outbox"] == "" {
		return Place{}, &Refusal{Code: "no_stack",
			what:   [2]string{"The stack of that name is not emodrop's, or is not complete yet: ", "该部署不是 emodrop，或尚未完成："},
			whatIs: fmt.Sprintf("%s is %s", name, s.StackStatus),
			fix:    [2]string{"Wait until it is complete, or name another: --stack NAME.", "请等待完成，或指定其他部署：--stack NAME。"}}
	}
	p := Place{Name: name, Region: cfg.Region, Table: got["Table"], Inbox: got["Inbox"], Outbox: got["Outbox"],
		Secret: got["ApiKeySecret"], VendorURL: set["VendorUrl"], Workspace: set["Workspace"], Submit: got["SubmitFunction"],
		Ratio: job.Ratio(set["DefaultRatio"]), Topics: map[string]string{}, DeadLetters: map[string]string{}}
	for _, key := range []string{"ResultsTopic", "AlarmTopic"} {
		if got[key] != "" {
			p.Topics[key] = got[key]
		}
	}
	for _, key := range []string{"IntakeDeadLetters", "FailedInvocations"} {
		if got[key] != "" {
			p.DeadLetters[key] = got[key]
		}
	}
	return p.shaped()
}
