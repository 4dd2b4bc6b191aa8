package template

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMakeDeleteKeepsDataAndSaysHowItGoes(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{}.make(t, "delete", here)
	require.NoError(t, err, said)
	require.Contains(t, asked, "delete --region eu-central-1 --stack-name emodrop --no-prompts")
	require.NotContains(t, asked, "delete-bucket")
	require.NotContains(t, asked, "delete-table")
	require.Contains(t, said, "    make purge REGION=eu-central-1 BUCKET=films\n")
	require.Contains(t, said, "    make purge REGION=eu-central-1 TABLE=jobs\n")
}

func TestMakePurgeEmptiesEveryVersionBeforeTheBucketGoes(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{}.make(t, "purge", here, "BUCKET=films")
	require.NoError(t, err, said)
	require.Equal(t, 2, strings.Count(asked, "delete-objects --bucket films"), asked)
	require.Less(t, strings.LastIndex(asked, "delete-objects"), strings.Index(asked, "delete-bucket --bucket films"))
	require.Equal(t, strings.Count(asked, "s3api"), strings.Count(asked, "--region eu-central-1"), asked)
}

func TestMakePurgeLiftsTheTablesProtectionBeforeItGoes(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{}.make(t, "purge", here, "TABLE=jobs")
	require.NoError(t, err, said)
	require.Contains(t, asked, "--no-deletion-protection-enabled")
	require.Less(t, strings.Index(asked, "--no-deletion-protection-enabled"), strings.Index(asked, "delete-table --table-name jobs"))
}

func TestMakePurgeStopsWhereADeletionIsRefused(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{refused: "ERRORS AccessDenied a"}.make(t, "purge", here, "BUCKET=films")
	require.Error(t, err)
	require.Contains(t, said, "AccessDenied")
	require.NotContains(t, asked, "delete-bucket")
}

func TestMakeDeleteTakesEverythingOnlyWhenTheStackIsNamedTwice(t *testing.T) {
	t.Parallel()
	said, asked, err := rehearsal{}.make(t, "delete", here, "STACK=other", "PURGE=other")
	require.NoError(t, err, said)
	require.Less(t, strings.Index(asked, "delete --region eu-central-1 --stack-name other"), strings.Index(asked, "delete-bucket --bucket films"))
	require.Contains(t, asked, "delete-table --table-name jobs")

	for _, purge := range []string{"yes", "emodrop"} {
		said, asked, err = rehearsal{}.make(t, "delete", here, "STACK=other", "PURGE="+purge)
		require.Error(t, err)
		require.Contains(t, said, "names another")
		require.Empty(t, asked)
	}
	said, asked, err = rehearsal{refused: "ERRORS AccessDenied a"}.make(t, "delete", here, "PURGE=emodrop")
	require.Error(t, err, said)
	require.NotContains(t, asked, "delete-table")
}

func TestAskingMakeWhatItWouldDoDeletesNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"delete", "PURGE=emodrop"}, {"purge", "BUCKET=films"}, {"deploy"}} {
		_, asked, err := rehearsal{has: "no"}.make(t, append(args, "-n", here)...)
		require.NoError(t, err)
		require.Empty(t, asked)
	}
}
