package intake_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

func TestAKeyIsTakenAsPeopleNameTheirFiles(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 339) // 1017 bytes
	for key, want := range map[string]struct {
		kind intake.Kind
		name job.Name
	}{
		"anna.jpg":                       {intake.Picture, job.Name{Stem: "anna"}},
		"anna.JPEG":                      {intake.Picture, job.Name{Stem: "anna"}},
		"anna.PnG":                       {intake.Picture, job.Name{Stem: "anna"}},
		"anna.bmp":                       {intake.Picture, job.Name{Stem: "anna"}},
		"anna.WebP":                      {intake.Picture, job.Name{Stem: "anna"}},
		"anna.MP3":                       {intake.Recording, job.Name{Stem: "anna"}},
		"anna.wav":                       {intake.Recording, job.Name{Stem: "anna"}},
		"week 1/anna maria.wav":          {intake.Recording, job.Name{Dir: "week 1", Stem: "anna maria"}},
		"week 1/ anna .wav":              {intake.Recording, job.Name{Dir: "week 1", Stem: "anna"}},
		"anna.wav ":                      {intake.Recording, job.Name{Stem: "anna"}},
		"a+b.wav":                        {intake.Recording, job.Name{Stem: "a+b"}},
		"a%2Fb.wav":                      {intake.Recording, job.Name{Stem: "a%2Fb"}},
		"a%2fb/100%.wav":                 {intake.Recording, job.Name{Dir: "a%2fb", Stem: "100%"}},
		"课程/第一课/安娜.mp3":                  {intake.Recording, job.Name{Dir: "课程/第一课", Stem: "安娜"}},
		"Bu\u0308cher/Mu\u0308ll.mp3":    {intake.Recording, job.Name{Dir: "B\u00fccher", Stem: "M\u00fcll"}},
		"a//b.wav":                       {intake.Recording, job.Name{Dir: "a/", Stem: "b"}},
		"/b.wav":                         {intake.Recording, job.Name{Dir: "/", Stem: "b"}},
		"//b.wav":                        {intake.Recording, job.Name{Dir: "//", Stem: "b"}},
		"../../b.wav":                    {intake.Recording, job.Name{Dir: "../..", Stem: "b"}},
		"a/./b.wav":                      {intake.Recording, job.Name{Dir: "a/.", Stem: "b"}},
		"a\\b.wav":                       {intake.Recording, job.Name{Stem: "a\\b"}},
		"v1.2/anna.final.jpg":            {intake.Picture, job.Name{Dir: "v1.2", Stem: "anna.final"}},
		"anna|1.jpg":                     {intake.Picture, job.Name{Stem: "anna|1"}},
		"👩‍🏫/👋.wav":                      {intake.Recording, job.Name{Dir: "👩‍🏫", Stem: "👋"}},
		long + ".mp3":                    {intake.Recording, job.Name{Stem: long}},
		"portrait.jpg":                   {intake.Shared, job.Name{Stem: "portrait"}},
		"shop/Portrait.JPG":              {intake.Shared, job.Name{Dir: "shop", Stem: "Portrait"}},
		"shop/PORTRAIT .webp":            {intake.Shared, job.Name{Dir: "shop", Stem: "PORTRAIT"}},
		"shop/portrait.mp3":              {intake.Recording, job.Name{Dir: "shop", Stem: "portrait"}},
		"shop/portraits.jpg":             {intake.Picture, job.Name{Dir: "shop", Stem: "portraits"}},
		"anna":                           {intake.Unknown, job.Name{Stem: "anna"}},
		"anna.json":                      {intake.Sidecar, job.Name{Stem: "anna"}},
		"week 1/ Anna .JSON":             {intake.Sidecar, job.Name{Dir: "week 1", Stem: "Anna"}},
		"anna.cancel":                    {intake.Cancel, job.Name{Stem: "anna"}},
		"week 1/ anna .CANCEL":           {intake.Cancel, job.Name{Dir: "week 1", Stem: "anna"}},
		"anna.Retry ":                    {intake.Retry, job.Name{Stem: "anna"}},
		"anna.mp3.retry":                 {intake.Retry, job.Name{Stem: "anna.mp3"}},
		"portrait.cancel":                {intake.Cancel, job.Name{Stem: "portrait"}},
		"_sets/anna.cancel":              {intake.Cancel, job.Name{Dir: "_sets", Stem: "anna"}},
		"a/_sets/b/ anna .RETRY":         {intake.Retry, job.Name{Dir: "a/_sets/b", Stem: "anna"}},
		"_sets/.cancel":                  {kind: intake.Ignored},
		".cancel":                        {kind: intake.Ignored},
		"a/ .retry":                      {intake.Unknown, job.Name{Dir: "a"}},
		"_sets/anna.json":                {kind: intake.Ignored},
		"anna.txt":                       {intake.Unknown, job.Name{Stem: "anna"}},
		"anna.m4a":                       {intake.Unknown, job.Name{Stem: "anna"}},
		"jpg":                            {intake.Unknown, job.Name{Stem: "jpg"}},
		"a/ .jpg":                        {intake.Unknown, job.Name{Dir: "a"}},
		"_sets/anna.jpg":                 {kind: intake.Ignored},
		"a/_sets/b/anna.jpg":             {kind: intake.Ignored},
		"_anna.jpg":                      {intake.Picture, job.Name{Stem: "_anna"}},
		"week 1/":                        {kind: intake.Ignored},
		"/":                              {kind: intake.Ignored},
		".anna.jpg":                      {kind: intake.Ignored},
		"a/._anna.jpg":                   {kind: intake.Ignored},
		"a/.DS_Store":                    {kind: intake.Ignored},
		"anna.jpg.part":                  {kind: intake.Ignored},
		"anna.jpg.TMP":                   {kind: intake.Ignored},
		"anna.wav.crdownload":            {kind: intake.Ignored},
		"week 1/spring.jobs.csv":         {intake.Manifest, job.Name{Dir: "week 1", Stem: "spring"}},
		"_sets/ Mu\u0308ll .Jobs.JSONL ": {intake.Manifest, job.Name{Dir: "_sets", Stem: "M\u00fcll"}},
		"v1.2.jobs.jsonl":                {intake.Manifest, job.Name{Stem: "v1.2"}},
		".jobs.csv":                      {kind: intake.Ignored},
		" .jobs.csv":                     {intake.Unknown, job.Name{Stem: ".jobs"}},
		".x.jobs.csv":                    {kind: intake.Ignored},
		"jobs.csv":                       {intake.Unknown, job.Name{Stem: "jobs"}},
		"a.jobs.jsonl.part":              {kind: intake.Ignored},
	} {
		kind, name := intake.Classify(key)
		require.Equal(t, want.kind, kind, "%q", key)
		require.Equal(t, want.name, name, "%q", key)
	}
}

func TestOddKeysBecomeJobsUnderTheirNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 339)
	for _, stem := range []string{"week 1/anna maria", "a+b/c+d", "a%2Fb/100%", "课程/安娜", "Bu\u0308cher/Mu\u0308ll", "a//b", "/b", "//b",
		"../../b", "a/./b", "👩‍🏫/👋", "a&b=c?d#e", "quote\"'<>", "tab\tline\nend", long} {
		t.Run(stem[:min(len(stem), 12)], func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.drop(stem+".PNG", picture(t, 400, 400, 1))
				w.drop(stem+".WAV", recording(time.Second, 1))
				require.Len(t, w.all(), 1)
				j := w.all()[0]
				require.Equal(t, stem+".PNG", j.Image.Key, "the bucket is asked by the key as it is")
				require.Equal(t, stem+".WAV", j.Audio.Key)
				require.LessOrEqual(t, len(job.VideoKey(j, true)), 1024)

				// What poll hands over by name is this stem.
				st := w.stem(j.Name)
				again := st
				again.Due = time.Now()
				_, err := w.store.PutStem(t.Context(), st, again)
				require.NoError(t, err)
				w.due()
				require.True(t, w.stem(j.Name).Due.IsZero())
			})
		})
	}
}

func TestOneNameInTwoUnicodeFormsIsOneStem(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("Mu\u0308ll.png", picture(t, 400, 400, 1))
		w.drop("M\u00fcll.wav", recording(time.Second, 1))
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "M\u00fcll"}).State)
	})
}

func TestWhatIsIgnoredMakesNothingAndIsNotEvenLookedAt(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		for _, key := range []string{"a/", "a/.hidden.png", "_x/a.png", "a.png.part", "a.wav.tmp"} {
			w.files.put(key, picture(t, 400, 400, 1))
			w.files.fail[key] = job.ErrConflict // any look would end in an error
			w.created(key)
		}
		require.Empty(t, w.told)
		require.Empty(t, w.overdue().Stems)
	})
}

func FuzzClassify(f *testing.F) {
	for _, key := range []string{"", "a.jpg", "/", "//a.wav", "_a/b.png", "Mu\u0308/x.MP3", "a\x00b.wav", "\xff.jpg", "portrait.png", " .jpg", "a/ b .wav "} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		kind, n := intake.Classify(key)
		if kind == intake.Ignored {
			require.Zero(t, n)
			return
		}
		require.NotContains(t, n.Stem, "/")
		require.Equal(t, strings.TrimSpace(n.Stem), n.Stem)
		if utf8.ValidString(key) {
			require.True(t, norm.NFC.IsNormalString(n.Dir))
			require.True(t, norm.NFC.IsNormalString(n.Stem))
		}
		upper := strings.LastIndexByte(key, '.')
		if kind != intake.Unknown {
			again, m := intake.Classify(key[:upper] + strings.ToUpper(key[upper:]))
			require.Equal(t, kind, again, "the extension's case says nothing")
			require.Equal(t, n, m)
		}
	})
}
