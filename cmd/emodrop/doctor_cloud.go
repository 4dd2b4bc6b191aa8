package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"emodrop/cmd/emodrop/reach"
)

// checkEvents looks whether the inbox tells EventBridge of new files: for a bucket
// that the stack did not make, its owner has to switch that on.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
func (p *program) checkEvents(ctx context.Context, st *reach.Stack) finding {
	out, err := st.Files.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &st.Inbox})
	if err != nil {
		return p.ill(err)
	}
	if out.EventBridgeConfiguration == nil {
		return p.bad("%s does not tell EventBridge of new files: they are found only every quarter of an hour", "%s 未向 EventBridge 发送事件：新文件每 15 分钟才会被发现一次",
			"Switch it on: the bucket → Properties → Event notifications → Amazon EventBridge. docs/deploy.md has the command.",
			"请开启：存储桶 → 属性 → 事件通知 → Amazon EventBridge。命令见 docs/deploy.md。", st.Inbox)
	}
	return p.fine("on", "已开启")
}

// checkMail looks for subscriptions that nobody has confirmed.
func (p *program) checkMail(ctx context.Context, st *reach.Stack) finding {
	client := sns.NewFromConfig(st.AWS)
	var confirmed int
	var pending []string
	names := make([]string, 0, len(st.Topics))
	for name := range st.Topics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		pages := sns.NewListSubscriptionsByTopicPaginator(client, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(st.Topics[name])})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return p.ill(err)
			}
			for _, s := range out.Subscriptions {
				if aws.ToString(s.SubscriptionArn) == "PendingConfirmation" {
					pending = append(pending, aws.ToString(s.Endpoint))
				} else {
					confirmed++
				}
			}
		}
	}
	switch {
	case len(st.Topics) == 0:
		return p.fine("no topic is known", "没有已知的主题")
	case len(pending) > 0:
		return p.bad("not confirmed yet: %s", "尚未确认：%s", "Open the mail from AWS Notifications and confirm; it may be in the spam folder.",
			"请打开 AWS Notifications 的邮件并确认，可能在垃圾邮件中。", strings.Join(pending, ", "))
	case confirmed == 0:
		return p.fine("nobody has subscribed", "没有订阅者")
	}
	return p.fine("%d subscriptions, all confirmed", "%d 个订阅，均已确认", confirmed)
}

// checkDeadLetters counts what was given up.
func (p *program) checkDeadLetters(ctx context.Context, st *reach.Stack) finding {
	client := sqs.NewFromConfig(st.AWS)
	var found []string
	for _, name := range []string{"IntakeDeadLetters", "FailedInvocations"} {
		url := st.DeadLetters[name]
		if url == "" {
			continue
		}
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url,
			AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
		if err != nil {
			return p.ill(err)
		}
		text := out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)]
		if n, err := strconv.Atoi(text); err != nil || n > 0 {
			found = append(found, fmt.Sprintf("%s: %s", name, text))
		}
	}
	switch {
	case len(st.DeadLetters) == 0:
		return p.fine("no queue is known", "没有已知的队列")
	case len(found) > 0:
		return p.bad("%s", "%s", "See submit's log; then take hand-ins in again: emodrop sweep, or aws sqs start-message-move-task with the output IntakeDeadLettersArn.",
			"请查看 submit 的日志；然后重新处理：emodrop sweep，或使用输出 IntakeDeadLettersArn 执行 aws sqs start-message-move-task。", strings.Join(found, ", "))
	}
	return p.fine("nothing", "无")
}
