package reach_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// alone takes the machine's own AWS settings away, and gives an environment of its
// own.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Chdir(t.TempDir())
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// refusal is what Find refuses with.
func refusal(t *testing.T, w reach.Wanted, vars map[string]string) *reach.Refusal {
	t.Helper()
	_, err := reach.Find(t.Context(), w, env(vars))
	var r *reach.Refusal
	require.ErrorAs(t, err, &r)
	for _, lang := range words.Languages() {
		what, fix := r.Say(lang)
		require.NotEmpty(t, what)
		require.NotEmpty(t, fix)
	}
	return r
}

// cloudFormation knows one stack, with these outputs.
func cloudFormation(t *testing.T, outputs map[string]string) (asked *[]string) {
	t.Helper()
	asked = &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, r.ParseForm())
		*asked = append(*asked, r.PostForm.Get("StackName")+" "+r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/xml")
		switch r.PostForm.Get("StackName") {
		case "secret-stack":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>`)
		case "emodrop":
			fmt.Fprint(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>emodrop</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>`)
			for k, v := range outputs {
				fmt.Fprintf(w, `<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>`, k, v)
			}
			fmt.Fprint(w, `</Outputs><Parameters><member><ParameterKey>DefaultRatio</ParameterKey><ParameterValue>3:4</ParameterValue></member>`+
				`<member><ParameterKey>VendorUrl</ParameterKey><ParameterValue>https://vendor.example/api/v1</ParameterValue></member></Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>`)
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", srv.URL)
	return asked
}

var outputs = map[string]string{"Table": "jobs", "Inbox": "in", "Outbox": "out", "ApiKeySecret": "arn:secret", "SubmitFunction": "arn:submit",
	"ResultsTopic": "arn:results", "IntakeDeadLetters": "https://sqs/dead"}

func TestADeployedStackIsFoundByItsNameInTheRegionThatWasSaid(t *testing.T) {
	alone(t)
	asked := cloudFormation(t, outputs)
	st, err := reach.Find(t.Context(), reach.Wanted{Stack: "emodrop", Region: "eu-central-1"}, env(nil))
	require.NoError(t, err)
	require.Equal(t, reach.Place{Name: "emodrop", Region: "eu-central-1", Table: "jobs", Inbox: "in", Outbox: "out", Secret: "arn:secret",
		VendorURL: "https://vendor.example/api/v1", Submit: "arn:submit", Ratio: job.Portrait, Topics: map[string]string{"ResultsTopic": "arn:results"},
		DeadLetters: map[string]string{"IntakeDeadLetters": "https://sqs/dead"}}, st.Place)
	require.Contains(t, (*asked)[0], "/eu-central-1/cloudformation/")
	require.Equal(t, "https://vendor.example/api/v1", st.Vendor.BaseURL())

	t.Setenv("AWS_REGION", "ap-northeast-1")
	st, err = reach.Find(t.Context(), reach.Wanted{}, env(map[string]string{"EMODROP_STACK": "emodrop", "EMODROP_TABLE": "other"}))
	require.NoError(t, err)
	require.Equal(t, "ap-northeast-1", st.Region)
	require.Equal(t, "jobs", st.Table)
}

func TestTheRegionIsNeverGuessed(t *testing.T) {
	alone(t)
	asked := cloudFormation(t, outputs)
	for _, w := range []reach.Wanted{{Stack: "emodrop"}, {Table: "t", Inbox: "i", Outbox: "o"}} {
		r := refusal(t, w, nil)
		require.Equal(t, "no_region", r.Code)
		require.True(t, r.Usage)
		require.ErrorContains(t, r, "--region")
	}
	require.Empty(t, *asked)
}

func TestAProfileThatIsNotThereIsSaid(t *testing.T) {
	alone(t)
	t.Setenv("AWS_PROFILE", "nobody")
	r := refusal(t, reach.Wanted{Stack: "emodrop", Region: "us-east-1"}, nil)
	require.Equal(t, "aws_configuration", r.Code)
	require.True(t, r.Key)
	require.ErrorContains(t, r, "nobody")
	require.ErrorContains(t, r, "AWS_PROFILE")
}

func TestAStackThatIsNotThereOrNotOursIsRefused(t *testing.T) {
	alone(t)
	cloudFormation(t, map[string]string{"Bucket": "x"})
	r := refusal(t, reach.Wanted{Stack: "emodorp", Region: "eu-central-1"}, nil)
	require.ErrorContains(t, r, "no stack of that name in this account and region: emodorp, eu-central-1")
	r = refusal(t, reach.Wanted{Stack: "emodrop", Region: "eu-central-1"}, nil)
	require.ErrorContains(t, r, "emodrop is CREATE_COMPLETE")
	_, err := reach.Find(t.Context(), reach.Wanted{Stack: "secret-stack", Region: "eu-central-1"}, env(nil))
	var api smithy.APIError
	require.ErrorAs(t, err, &api, "AWS's own refusal is passed on")
	require.Equal(t, "AccessDenied", api.ErrorCode())
}

func TestAStackIsGivenByItsPartsInFlagsOrEnvironment(t *testing.T) {
	alone(t)
	vars := map[string]string{"EMODROP_TABLE": "jobs", "EMODROP_INBOX": "in", "EMODROP_OUTBOX": "out", "EMODROP_RATIO": "auto",
		"EMODROP_API_KEY_SECRET": "key", "EMODROP_SUBMIT_FUNCTION": "submit", "EMODROP_TOPIC_ARN": "arn:topic"}
	st, err := reach.Find(t.Context(), reach.Wanted{Region: "eu-central-1", Inbox: "mine"}, env(vars))
	require.NoError(t, err)
	require.Equal(t, reach.Place{Name: "jobs", Region: "eu-central-1", Table: "jobs", Inbox: "mine", Outbox: "out", Secret: "key", Submit: "submit",
		Ratio: job.Auto, Topics: map[string]string{"ResultsTopic": "arn:topic"}}, st.Place)
	require.False(t, st.Local)

	require.ErrorContains(t, refusal(t, reach.Wanted{Table: "jobs", Region: "eu-central-1"}, nil), "--inbox, --outbox")
	vars["EMODROP_RATIO"] = "16:9"
	require.ErrorContains(t, refusal(t, reach.Wanted{Region: "eu-central-1"}, vars), "16:9")
	delete(vars, "EMODROP_RATIO")
	vars["EMODROP_VENDOR_URL"] = "vendor"
	_, err = reach.Find(t.Context(), reach.Wanted{Region: "eu-central-1"}, env(vars))
	require.ErrorContains(t, err, "the stack's vendor")
}

func TestNothingIsMixedAndNothingIsGuessed(t *testing.T) {
	alone(t)
	for _, w := range []reach.Wanted{{Stack: "a", Home: "."}, {Stack: "a", Table: "t"}, {Home: ".", Inbox: "i"}} {
		require.Equal(t, "usage", refusal(t, w, nil).Code)
	}
	r := refusal(t, reach.Wanted{}, nil)
	require.Equal(t, "no_stack", r.Code)
	for _, way := range []string{"--stack NAME", "emodrop up", "--home DIR"} {
		require.ErrorContains(t, r, way)
	}
	require.ErrorContains(t, refusal(t, reach.Wanted{Home: "elsewhere"}, nil), "emodrop up --home elsewhere")
}

func TestALocalStackThatDoesNotRunIsSaidToBeStopped(t *testing.T) {
	alone(t)
	require.NoError(t, os.MkdirAll(filepath.Join(".emodrop"), 0o755))
	require.NoError(t, os.MkdirAll("below/it", 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(".emodrop", "identity.json"), []byte(`{"access_key_id":"a","secret_access_key":"b"}`), 0o600))
	for _, w := range []reach.Wanted{{}, {Home: "below/it"}} {
		r := refusal(t, w, nil)
		require.Equal(t, "not_running", r.Code)
		require.ErrorContains(t, r, "emodrop up")
	}
	require.NoError(t, os.WriteFile(filepath.Join(".emodrop", "identity.json"), []byte(`{`), 0o600))
	_, err := reach.Find(t.Context(), reach.Wanted{}, env(nil))
	require.ErrorContains(t, err, "damaged")
}
