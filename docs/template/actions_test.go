package template

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
)

// A use is one action of IAM on one resource.
type use struct{ action, resource string }

// actions is what IAM asks for a call, by its operation's input: the one table from
// operations to actions. Tables and buckets are named, everything else has its ARN.
// Sources: the "Permissions" of each operation in its API reference, and
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func actions(input any) []use {
	switch in := input.(type) {
	case *s3.GetObjectInput:
		return []use{{"s3:GetObject", object(in.Bucket, in.Key)}}
	case *s3.HeadObjectInput: // there is no s3:HeadObject
		return []use{{"s3:GetObject", object(in.Bucket, in.Key)}}
	case *s3.PutObjectInput:
		return []use{{"s3:PutObject", object(in.Bucket, in.Key)}}
	case *s3.DeleteObjectInput:
		return []use{{"s3:DeleteObject", object(in.Bucket, in.Key)}}
	case *s3.CopyObjectInput: // reads as much as it writes
		from, err := url.PathUnescape(aws.ToString(in.CopySource))
		if err != nil {
			return nil
		}
		return []use{{"s3:GetObject", "arn:aws:s3:::" + from}, {"s3:PutObject", object(in.Bucket, in.Key)}}
	case *s3.ListObjectsV2Input:
		return []use{{"s3:ListBucket", "arn:aws:s3:::" + aws.ToString(in.Bucket)}}
	case *dynamodb.GetItemInput:
		return []use{{"dynamodb:GetItem", aws.ToString(in.TableName)}}
	case *dynamodb.UpdateItemInput:
		return []use{{"dynamodb:UpdateItem", aws.ToString(in.TableName)}}
	case *dynamodb.DeleteItemInput:
		return []use{{"dynamodb:DeleteItem", aws.ToString(in.TableName)}}
	case *dynamodb.QueryInput:
		return []use{{"dynamodb:Query", aws.ToString(in.TableName) + "/index/" + aws.ToString(in.IndexName)}}
	case *dynamodb.TransactWriteItemsInput: // asks for what each of its parts would ask for
		var all []use
		for _, i := range in.TransactItems {
			switch {
			case i.Update != nil:
				all = append(all, use{"dynamodb:UpdateItem", aws.ToString(i.Update.TableName)})
			case i.Put != nil:
				all = append(all, use{"dynamodb:PutItem", aws.ToString(i.Put.TableName)})
			case i.Delete != nil:
				all = append(all, use{"dynamodb:DeleteItem", aws.ToString(i.Delete.TableName)})
			case i.ConditionCheck != nil:
				all = append(all, use{"dynamodb:ConditionCheckItem", aws.ToString(i.ConditionCheck.TableName)})
			}
		}
		return all
	case *secretsmanager.GetSecretValueInput:
		return []use{{"secretsmanager:GetSecretValue", aws.ToString(in.SecretId)}}
	case *sns.PublishInput:
		return []use{{"sns:Publish", aws.ToString(in.TopicArn)}}
	case *eventbridge.PutEventsInput:
		var all []use
		for _, e := range in.Entries {
			all = append(all, use{"events:PutEvents", "arn:aws:events:eu-central-1:123456789012:event-bus/" + aws.ToString(e.EventBusName)})
		}
		return all
	case *sts.AssumeRoleInput:
		return []use{{"sts:AssumeRole", aws.ToString(in.RoleArn)}}
	case *lambda.InvokeInput:
		return []use{{"lambda:InvokeFunction", aws.ToString(in.FunctionName)}}
	}
	return nil
}

func object(bucket, key *string) string {
	return "arn:aws:s3:::" + aws.ToString(bucket) + "/" + aws.ToString(key)
}

// recorder notes every call that the SDK is asked for, by the role in whose name it
// is made, retries not counted. It may make one fail.
type recorder struct {
	mu   sync.Mutex
	made map[string]map[use]int
	// operations that were called, "GetObject"; unknown are those that the table
	// of actions does not know.
	operations, unknown map[string]bool
	fail                func(role, operation string, u use) error
}

func newRecorder() *recorder {
	return &recorder{made: map[string]map[use]int{}, operations: map[string]bool{}, unknown: map[string]bool{},
		fail: func(string, string, use) error { return nil }}
}

// option adds the recorder to all clients that are made of a configuration. A
// presigned request is used later, by somebody else, in the name of whoever signed
// it: that is the signer.
func (r *recorder) option(role string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("emodropRecorder", func(ctx context.Context,
			in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			who, op := role, awsmiddleware.GetOperationName(ctx)
			if _, presigned := stack.Finalize.Get("PresignHTTPRequest"); presigned {
				who, op = "signer", "Presign"+op
			}
			if err := r.note(who, op, actions(in.Parameters)); err != nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, err
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	}
}

func (r *recorder) note(role, op string, uses []use) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations[op] = true
	if len(uses) == 0 {
		r.unknown[op] = true
	}
	if r.made[role] == nil {
		r.made[role] = map[use]int{}
	}
	for _, u := range uses {
		r.made[role][u]++
		if err := r.fail(role, op, u); err != nil {
			return err
		}
	}
	return nil
}

// has says whether a role has needed an action so far.
func (r *recorder) has(role, action string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for u := range r.made[role] {
		if u.action == action {
			return true
		}
	}
	return false
}

// covers says whether a grant allows a use, as IAM compares resources: a star stands
// for any text, slashes included.
func (g grant) covers(u use) bool {
	if g.action != u.action {
		return false
	}
	parts := strings.Split(g.resource, "*")
	rest, ok := strings.CutPrefix(u.resource, parts[0])
	for i, part := range parts[1:] {
		if i == len(parts)-2 {
			return ok && strings.HasSuffix(rest, part)
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok && rest == ""
}
