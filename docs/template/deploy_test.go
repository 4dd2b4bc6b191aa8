package template

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMakeDeployBuildsAndDeploysOneStackInOneRegion(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{has: "no"}.make(t, "deploy", here, "STACK=other", "PARAMS=Alarms=false MaxInFlight=2", "ARGS=--no-confirm-changeset")
	require.NoError(t, err, said)
	require.Contains(t, asked, "build --parameter-overrides Alarms=false MaxInFlight=2 \n")
	require.Contains(t, asked, "deploy --region eu-central-1 --stack-name other --s3-prefix other "+
		"--parameter-overrides Alarms=false MaxInFlight=2 --no-confirm-changeset \n")
}

// CloudFormation keeps what is not named; what is named beside it would be put back.
func TestMakeDeployNamesNoParameterThatNobodyGave(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{has: "no"}.make(t, "deploy", here)
	require.NoError(t, err, said)
	require.NotContains(t, asked, "--parameter-overrides")
}

// SAM builds for the processor that it is told of, and knows nothing of the stack's.
func TestMakeDeployBuildsForTheProcessorThatTheStackHas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ has, params, want string }{
		"that of the stack":        {"x86_64", "", "--parameter-overrides Architecture=x86_64 \n"},
		"beside other parameters":  {"x86_64", "Settle=9s", "--parameter-overrides Settle=9s Architecture=x86_64 \n"},
		"another from now on":      {"x86_64", "Architecture=arm64", "--parameter-overrides Architecture=arm64 \n"},
		"the template's, at first": {"no", "Settle=9s", "--parameter-overrides Settle=9s \n"},
		"a first change refused":   {"None", "Settle=9s", "--parameter-overrides Settle=9s \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, asked, err := rehearsal{has: c.has}.make(t, "deploy", here, "PARAMS="+c.params)
			require.NoError(t, err, said)
			require.Contains(t, asked, "build "+c.want)
			require.Equal(t, 2, strings.Count(asked, c.want), "%s", asked)
		})
	}
	said, asked, err := rehearsal{has: "refused"}.make(t, "deploy", here)
	require.Error(t, err, "a stack that cannot be looked at may have any")
	require.Contains(t, said, "AccessDenied")
	require.NotContains(t, asked, "deploy ")
}

// The same flags as make build's, whose bytes a test compares.
func TestSAMBuildsWithTheFlagsOfTheBuild(t *testing.T) {
	t.Parallel()
	_, asked, err := rehearsal{has: "no"}.make(t, "deploy", here)
	require.NoError(t, err)
	makefile, err := os.ReadFile(root + "/Makefile")
	require.NoError(t, err)
	own := regexp.MustCompile(`build (-trimpath .*) -tags=(\S+) -ldflags='([^']*)' -o`).FindStringSubmatch(string(makefile))
	require.NotNil(t, own, "the recipe of build has changed its form")
	require.Contains(t, asked, "CGO_ENABLED=0 GOFLAGS="+own[1]+" -tags="+own[2]+" '-ldflags="+own[3]+"'")
	page, err := os.ReadFile(root + "/docs/deploy.md")
	require.NoError(t, err)
	require.Contains(t, string(page), `CGO_ENABLED=0 GOFLAGS="`+own[1]+" -tags="+own[2]+" '-ldflags="+own[3]+`'" sam build`)
}

func TestNothingIsDoneInAWSWithoutARegionThatWasSaid(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"deploy", "delete", "purge"} {
		said, asked, err := rehearsal{}.make(t, target, "BUCKET=films")
		require.Error(t, err)
		require.Contains(t, said, "make "+target+": in which region?")
		require.Empty(t, asked)
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		said, asked, err := rehearsal{has: "no", env: []string{name + "=ap-northeast-1"}}.make(t, "deploy")
		require.NoError(t, err, said)
		require.Contains(t, asked, "deploy --region ap-northeast-1 ")
	}
}

func TestWhatSAMWouldRememberInATrackedFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--guided", "-g", "--parameter-overrides Settle=9s"} {
		said, asked, err := rehearsal{has: "no"}.make(t, "deploy", here, "ARGS="+args)
		require.Error(t, err)
		require.Contains(t, said, "PARAMS=")
		require.Empty(t, asked)
	}
}
