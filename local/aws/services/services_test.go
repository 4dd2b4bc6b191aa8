package services_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/services"
)

const topic = "arn:aws:sns:eu-central-1:000000000000:jobs"

// clientOf reaches one service without the gateway.
func clientOf(h http.Handler) *http.Client { return &http.Client{Transport: awstest.Transport(h)} }

func requireCode(t *testing.T, code string, err error) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), err.Error())
}

func TestSNSKeepsWhatWasPublished(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	out, err := sns.NewFromConfig(a.Config()).Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(topic), Subject: aws.String("Film ready"), MessageStructure: aws.String("json"),
		Message: aws.String(`{"default":"{\"job\":\"j1\"}","email":"Your film <a&b> is ready: 视频"}`),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"state": {DataType: aws.String("String"), StringValue: aws.String("SUCCEEDED")},
			"cost":  {DataType: aws.String("Number"), StringValue: aws.String("1.12")},
		},
	})
	require.NoError(t, err)
	got := a.Ledger.Published()
	require.Len(t, got, 1)
	p := got[0]
	require.Equal(t, aws.ToString(out.MessageId), p.ID)
	require.Equal(t, services.KindSNS, p.Kind)
	require.Equal(t, "Film ready", p.Subject)
	require.Equal(t, `{"job":"j1"}`, p.Default)
	require.Contains(t, p.Message, "视频")
	require.Equal(t, map[string]string{"state": "SUCCEEDED", "cost": "1.12"}, p.Attributes)
	require.Equal(t, topic, p.Topic)
}

func TestSNSRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	c := sns.NewFromConfig(a.Config())
	attribute := func(kind, value string) map[string]snstypes.MessageAttributeValue {
		return map[string]snstypes.MessageAttributeValue{"a": {DataType: &kind, StringValue: &value}}
	}
	for name, tc := range map[string]struct {
		in   sns.PublishInput
		code string
	}{
		"not an ARN":         {sns.PublishInput{TopicArn: aws.String("jobs")}, "InvalidParameter"},
		"no topic":           {sns.PublishInput{TopicArn: aws.String("")}, "InvalidParameter"},
		"empty message":      {sns.PublishInput{Message: aws.String("")}, "InvalidParameter"},
		"long message":       {sns.PublishInput{Message: aws.String(strings.Repeat("m", 256<<10+1))}, "InvalidParameter"},
		"no default":         {sns.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"email":"x"}`)}, "InvalidParameter"},
		"default no string":  {sns.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"default":{}}`)}, "InvalidParameter"},
		"not JSON":           {sns.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`hello`)}, "InvalidParameter"},
		"other structure":    {sns.PublishInput{MessageStructure: aws.String("xml")}, "InvalidParameter"},
		"subject of 100":     {sns.PublishInput{Subject: aws.String(strings.Repeat("s", 100))}, "InvalidParameter"},
		"subject with a tab": {sns.PublishInput{Subject: aws.String("a\tb")}, "InvalidParameter"},
		"subject of 2 lines": {sns.PublishInput{Subject: aws.String("a\nb")}, "InvalidParameter"},
		"Chinese subject":    {sns.PublishInput{Subject: aws.String("视频")}, "InvalidParameter"},
		"empty subject":      {sns.PublishInput{Subject: aws.String("")}, "InvalidParameter"},
		"empty attribute":    {sns.PublishInput{MessageAttributes: attribute("String", "")}, "ParameterValueInvalid"},
		"unknown data type":  {sns.PublishInput{MessageAttributes: attribute("Date", "x")}, "ParameterValueInvalid"},
		"number of letters":  {sns.PublishInput{MessageAttributes: attribute("Number", "x")}, "ParameterValueInvalid"},
	} {
		if tc.in.TopicArn == nil {
			tc.in.TopicArn = aws.String(topic)
		}
		if tc.in.Message == nil {
			tc.in.Message = aws.String("m")
		}
		_, err := c.Publish(t.Context(), &tc.in)
		require.Error(t, err, name)
		requireCode(t, tc.code, err)
	}
	require.Empty(t, a.Ledger.Published())
	_, err := c.Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(topic), Message: aws.String(strings.Repeat("m", 256<<10)), Subject: aws.String(strings.Repeat("s", 99)),
	})
	require.NoError(t, err, "the limits themselves are allowed")
}

func TestSNSKnowsItsTopics(t *testing.T) {
	t.Parallel()
	ledger, err := services.OpenLedger("", nil)
	require.NoError(t, err)
	cfg := awstest.New(t).Config()
	cfg.HTTPClient = clientOf(services.NewSNS(ledger, topic))
	c := sns.NewFromConfig(cfg)
	_, err = c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topic), Message: aws.String("m")})
	require.NoError(t, err)
	_, err = c.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topic + "2"), Message: aws.String("m")})
	requireCode(t, "NotFound", err)
}

func event(detail string) ebtypes.PutEventsRequestEntry {
	return ebtypes.PutEventsRequestEntry{
		Source: aws.String("emodrop"), DetailType: aws.String("EMO Job State Change"), Detail: &detail,
	}
}

func TestEventBridgeTakesGoodEntriesAndNamesBadOnes(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	c := eventbridge.NewFromConfig(a.Config())
	bad := func(change func(*ebtypes.PutEventsRequestEntry)) ebtypes.PutEventsRequestEntry {
		e := event(`{}`)
		change(&e)
		return e
	}
	out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		event(`{"job":"j1"}`),
		event(`not JSON`),
		event(`[1]`),
		bad(func(e *ebtypes.PutEventsRequestEntry) { e.Source = nil }),
		bad(func(e *ebtypes.PutEventsRequestEntry) { e.DetailType = nil }),
		bad(func(e *ebtypes.PutEventsRequestEntry) { e.Detail = nil }),
		bad(func(e *ebtypes.PutEventsRequestEntry) { e.Source = aws.String("aws.s3") }),
		bad(func(e *ebtypes.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }),
		event(`{"job":"j2"}`),
	}})
	require.NoError(t, err)
	require.EqualValues(t, 7, out.FailedEntryCount)
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	require.Equal(t, []string{"", "MalformedDetail", "MalformedDetail", "InvalidArgument", "InvalidArgument", "InvalidArgument",
		"NotAuthorizedForSourceException", "ResourceNotFoundException", ""}, codes)
	got := a.Ledger.Published()
	require.Len(t, got, 2)
	require.Equal(t, aws.ToString(out.Entries[8].EventId), got[1].ID)
	require.Equal(t, "emodrop", got[0].Source)
	require.Equal(t, "EMO Job State Change", got[0].DetailType)
	require.JSONEq(t, `{"job":"j1"}`, string(got[0].Detail))
}

func TestEventBridgeRefusesTooManyAndTooLarge(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	c := eventbridge.NewFromConfig(a.Config())
	put := func(entries ...ebtypes.PutEventsRequestEntry) error {
		_, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
		return err
	}
	var many []ebtypes.PutEventsRequestEntry
	for range 11 {
		many = append(many, event(`{}`))
	}
	requireCode(t, "ValidationException", put(many...))
	requireCode(t, "ValidationException", put([]ebtypes.PutEventsRequestEntry{}...))
	large := event(`{"x":"` + strings.Repeat("x", 256<<10) + `"}`)
	requireCode(t, "ValidationException", put(large))
	almost := event(`{"x":"` + strings.Repeat("x", 250<<10) + `"}`)
	requireCode(t, "ValidationException", put(almost, almost, almost, almost, almost))
	require.Empty(t, a.Ledger.Published())
	require.NoError(t, put(almost, almost))
	require.NoError(t, put(many[:10]...))
}

func TestSecretsAreFoundByNameAndARNAndCanChange(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	c := secretsmanager.NewFromConfig(a.Config())
	get := func(id, stage string) (*secretsmanager.GetSecretValueOutput, error) {
		in := &secretsmanager.GetSecretValueInput{SecretId: &id}
		if stage != "" {
			in.VersionStage = &stage
		}
		return c.GetSecretValue(t.Context(), in)
	}
	arn := a.Secrets.Set("emodrop/api-key", "sk-1")
	require.Regexp(t, `^arn:aws:secretsmanager:eu-central-1:000000000000:secret:emodrop/api-key-[0-9a-f]{6}$`, arn)
	for _, id := range []string{"emodrop/api-key", arn, arn[:len(arn)-7]} {
		out, err := get(id, "")
		require.NoError(t, err, id)
		require.Equal(t, "sk-1", aws.ToString(out.SecretString))
		require.Equal(t, arn, aws.ToString(out.ARN))
		require.Equal(t, []string{"AWSCURRENT"}, out.VersionStages)
		require.WithinDuration(t, time.Now(), aws.ToTime(out.CreatedDate), time.Minute)
	}
	require.Equal(t, arn, a.Secrets.Set("emodrop/api-key", "sk-2"))
	out, err := get("emodrop/api-key", "")
	require.NoError(t, err)
	require.Equal(t, "sk-2", aws.ToString(out.SecretString))
	out, err = get("emodrop/api-key", "AWSPREVIOUS")
	require.NoError(t, err)
	require.Equal(t, "sk-1", aws.ToString(out.SecretString))

	for _, id := range []string{"absent", "emodrop/api", arn + "x"} {
		_, err = get(id, "")
		requireCode(t, "ResourceNotFoundException", err)
	}
	_, err = get("emodrop/api-key", "AWSPENDING")
	requireCode(t, "ResourceNotFoundException", err)
}

func TestAssumeRoleKeepsToItsLimits(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	assume := func(c *sts.Client, role, session string, seconds int32) (*sts.AssumeRoleOutput, error) {
		return c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session, DurationSeconds: &seconds})
	}
	const role = "arn:aws:iam::000000000000:role/signer"
	root := sts.NewFromConfig(a.Config())
	for _, seconds := range []int32{899, 3601, 43201, -1} {
		_, err := assume(root, role, "session", seconds)
		requireCode(t, "ValidationError", err)
	}
	_, err := assume(root, "signer", "session", 900)
	requireCode(t, "ValidationError", err)
	_, err = assume(root, role, "no spaces", 900)
	requireCode(t, "ValidationError", err)

	out, err := assume(root, role, "session", 3600)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::000000000000:assumed-role/signer/session", aws.ToString(out.AssumedRoleUser.Arn))
	cr := out.Credentials
	cfg := a.ConfigWith(*cr.AccessKeyId, *cr.SecretAccessKey, *cr.SessionToken)
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, aws.ToString(out.AssumedRoleUser.Arn), aws.ToString(me.Arn))
	require.Equal(t, "000000000000", aws.ToString(me.Account))
	_, err = assume(sts.NewFromConfig(cfg), role, "chained", 3600)
	require.NoError(t, err)
}

func TestARoleThatIsNotListedCannotBeAssumed(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::000000000000:role/signer"
	s, err := services.NewSTS(services.STSConfig{Secret: "s", Roles: []string{role}, MaxDuration: 12 * time.Hour})
	require.NoError(t, err)
	a := awstest.New(t)
	cfg := a.Config()
	cfg.HTTPClient = clientOf(s)
	c := sts.NewFromConfig(cfg)
	_, err = c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role + "2"), RoleSessionName: aws.String("s1")})
	requireCode(t, "AccessDenied", err)
	_, err = c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(43200)})
	require.NoError(t, err)
	_, err = services.NewSTS(services.STSConfig{MaxDuration: time.Minute})
	require.ErrorContains(t, err, "Secret")
	require.ErrorContains(t, err, "MaxDuration")
}

func TestTemporaryCredentialsOutliveARestartAndCannotBeForged(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	out, err := sts.NewFromConfig(a.Config()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/signer"), RoleSessionName: aws.String("s1"),
	})
	require.NoError(t, err)
	id, token := *out.Credentials.AccessKeyId, *out.Credentials.SessionToken
	again, err := services.NewSTS(services.STSConfig{Secret: awstest.SecretAccessKey})
	require.NoError(t, err)
	key, err := again.Lookup(id, token)
	require.NoError(t, err)
	require.Equal(t, *out.Credentials.SecretAccessKey, key.SecretAccessKey)

	other, err := services.NewSTS(services.STSConfig{Secret: "another"})
	require.NoError(t, err)
	_, err = other.Lookup(id, token)
	require.Error(t, err)
	for i := range len(token) - 2 { // the last characters may hold unused bits
		changed := []byte(token)
		changed[i] ^= 1
		_, err = again.Lookup(id, string(changed))
		require.Error(t, err, "byte %d changed", i)
	}
	_, err = again.Lookup("ASIASOMEONEELSE", token)
	require.Error(t, err)
}

func TestAServiceFailsAsOftenAsATestAsksFor(t *testing.T) {
	t.Parallel()
	a := awstest.New(t)
	cfg := a.Config()
	cfg.RetryMaxAttempts = 1
	publish := func() error {
		_, err := sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topic), Message: aws.String("m")})
		return err
	}
	a.SNS.FailNext(2, 503)
	requireCode(t, "ServiceUnavailable", publish())
	requireCode(t, "ServiceUnavailable", publish())
	require.NoError(t, publish())
	a.Events.FailNext(1, 500)
	_, err := eventbridge.NewFromConfig(cfg).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{event(`{}`)}})
	requireCode(t, "InternalFailure", err)
	a.Secrets.FailNext(1, 403)
	_, err = secretsmanager.NewFromConfig(cfg).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("x")})
	requireCode(t, "AccessDeniedException", err)
	a.STS.FailNext(1, 429)
	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	requireCode(t, "ThrottlingException", err)
	require.Len(t, a.Ledger.Published(), 1)
}
