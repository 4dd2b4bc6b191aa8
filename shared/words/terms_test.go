package words

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestEveryCodeSaysWhatItCostsAndWhetherItIsTriedAgainInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, code := range append(job.Codes(), "brand_new") {
		for _, lang := range Languages() {
			charged, retried := Terms(code, lang)
			for _, s := range []string{charged, retried} {
				require.NotEmpty(t, s, "%s %s", code, lang)
				require.Equal(t, lang == Chinese, hasHan(s), s)
				require.Regexp(t, `[.。]$`, s)
			}
		}
	}
}

// What the catalogue says of a code is what its outcomes say of themselves.
func TestTheCatalogueAgreesWithWhatAnOutcomeCost(t *testing.T) {
	t.Parallel()
	ends := map[string]job.Message{ // as the steps end jobs; all others cost no film
		job.CodeVendorLost: {State: job.Expired}, job.CodeTaskExpired: {State: job.Expired}, job.CodeAmbiguous: {State: job.Held},
		job.CodeGivenUp: {State: job.Canceled}, job.CodeLinkEnded: {State: job.Expired, Wasted: 1}, job.CodeFilmMisfit: {State: job.Held, Billed: 1},
		job.CodeTaskOrphaned: {Wasted: 1},
	}
	for _, code := range job.Codes() {
		m, ok := ends[code]
		if !ok {
			m.State = job.Rejected
		}
		m.Job, m.Attempt, m.Fault = "0123456789", 1, &job.Fault{Code: code}
		want := map[charging]string{free: "no", itself: "no", check: "no", perhaps: "unknown", paid: "yes"}[catalogue[code].charge]
		require.Equal(t, want, charge(m), code)
		nothing := Charged(m, English) == "Nothing was charged."
		require.Equal(t, catalogue[code].charge == free, nothing, "%s: %s", code, Charged(m, English))
	}
}

// Their way out is that the very files come, or come again.
func TestWhoIsToUploadAFileThatIsGoneIsNotToldThatItWouldBeInVain(t *testing.T) {
	t.Parallel()
	for _, code := range []string{job.CodeFileGone, job.CodeFileMissing} {
		_, retried := Terms(code, English)
		require.NotContains(t, retried, "the same files", code)
	}
}

func TestASuccessSaysNothingOfTryingAgain(t *testing.T) {
	t.Parallel()
	require.Empty(t, retried(job.Message{State: job.Succeeded, Fault: &job.Fault{Code: job.CodeFilmMisfit}}, English), "a film taken as it is")
	require.Empty(t, retried(job.Message{State: job.Canceled}, English))
}
