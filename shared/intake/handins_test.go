package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

// act is one thing that people, or the stack, do to an inbox.
type act func(w *world)

// put uploads a file: "p1", "p2" are pictures, "r1", "r2" recordings, anything else is
// the text that it says. meta are pairs of the file's own metadata.
func put(key, what string, meta ...string) act {
	return func(w *world) { quietly(key, what, meta...)(w); w.created(key) }
}

// quietly uploads a file whose event is lost.
func quietly(key, what string, meta ...string) act {
	return func(w *world) {
		body := []byte(what)
		switch what {
		case "p1", "p2":
			drawn, ok := pictures.Load(what) // to draw one takes longer than its hand-in
			if !ok {
				drawn, _ = pictures.LoadOrStore(what, picture(w.t, 600, 400, what[1]))
			}
			body = drawn.([]byte)
		case "r1", "r2":
			body = recording(2*time.Second, uint64(what[1]))
		}
		var m map[string]string
		for i := 0; i < len(meta); i += 2 {
			if m == nil {
				m = map[string]string{}
			}
			m[meta[i]] = meta[i+1]
		}
		w.files.putWith(key, body, m)
	}
}

var pictures sync.Map

// event has an event come, once more or at last.
func event(key string) act { return func(w *world) { w.created(key) } }

func wait(d time.Duration) act { return func(*world) { time.Sleep(d) } }

// leaves has everything that waits leave for the vendor.
func leaves(w *world) {
	ids, err := w.store.Queue(context.Background(), 100)
	require.NoError(w.t, err)
	for _, id := range ids {
		require.NoError(w.t, w.send(context.Background(), id))
	}
}

// late is long enough for a half pair to be told of.
func late(w *world) {
	time.Sleep(halfPair + time.Minute)
	w.due()
}

func acts(all ...act) []act { return all }

// handed is a table's row: what is done, which jobs come of it in the order of their
// making, and what is told besides of how they stand.
type handed struct {
	does []act
	jobs []string
	told []string
}

// lines writes a job as a row has it: name, picture, recording, what it asks for if it
// asks for anything, and its state.
func lines(w *world) (out []string) {
	all := w.all()
	slices.SortFunc(all, func(a, b job.Job) int {
		if c := a.Received.Compare(b.Received); c != 0 {
			return c
		}
		return strings.Compare(a.Name.String(), b.Name.String())
	})
	for _, j := range all {
		o := j.Options
		var asks []string
		for _, s := range []string{string(o.Style), string(o.Ratio), string(o.Priority)} {
			if s != "" {
				asks = append(asks, s)
			}
		}
		if o.Ext != (job.Box{}) {
			asks = append(asks, fmt.Sprint(o.Face, o.Ext))
		}
		if o.DryRun {
			asks = append(asks, "dry")
		}
		if l, err := w.store.Labels(context.Background(), j.Labels); err == nil {
			for _, t := range l.Tags {
				asks = append(asks, "#"+t)
			}
			for k, v := range l.Metadata {
				asks = append(asks, k+"="+v)
			}
		}
		line := fmt.Sprintf("%s: %s, %s", j.Name, j.Image.Key, j.Audio.Key)
		if asks != nil {
			line += " (" + strings.Join(asks, " ") + ")"
		}
		out = append(out, line+" "+string(j.State))
	}
	return out
}

// says are the notices that were told, with the file and what is said of it.
func says(w *world) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.told {
		if m.Fault == nil || m.Fault.Code == job.CodeReplaced || strings.Contains(m.ID, "-again-") {
			continue
		}
		s := m.Fault.Code + " " + m.Fault.File
		if m.Fault.Detail != "" {
			s += ": " + m.Fault.Detail
		}
		out = append(out, s)
	}
	return out
}

func handIns() map[string]handed {
	a, b := put("a.png", "p1"), put("a.wav", "r1")
	calm, dry := `{"style_level":"calm"}`, `{"dryRun":true}`
	const wide, wideBoxes = `{"face_bbox":[1,1,2,2],"ext_bbox":[0,0,500,500]}`, "([1 1 2 2] [0 0 500 500])"
	const boxes = `{"face_bbox":[100,100,200,200],"ext_bbox":[0,0,400,400]}`
	plain := "a: a.png, a.wav QUEUED"
	gone := func(line string) string { return strings.TrimSuffix(line, "QUEUED") + "CANCELED" }
	out := func(line string) string { return strings.TrimSuffix(line, "QUEUED") + "SUBMITTED" }
	calmly := "a: a.png, a.wav (calm) QUEUED"
	one := func(lines ...string) []string { return lines }
	return map[string]handed{
		// Names.
		"a pair":                               {acts(a, b), one(plain), nil},
		"a pair, the recording first":          {acts(b, a), one(plain), nil},
		"extensions in capitals":               {acts(put("a.PNG", "p1"), put("a.WAV", "r1")), one("a: a.PNG, a.WAV QUEUED"), nil},
		"a sidecar's extension in capitals":    {acts(a, put("a.JSON", calm), b), one(calmly), nil},
		"jpeg by name, PNG by content":         {acts(put("a.jpeg", "p1"), b), one("a: a.jpeg, a.wav QUEUED"), nil},
		"spaces around a stem":                 {acts(put("a .png", "p1"), put(" a.wav", "r1")), one("a: a .png,  a.wav QUEUED"), nil},
		"a space at the end of a key":          {acts(put("a.png ", "p1"), put("a.json ", calm), b), one("a: a.png , a.wav (calm) QUEUED"), nil},
		"NFD from a Mac beside NFC":            {acts(put("Mu\u0308ller.png", "p1"), put("M\u00fcller.json", calm), put("M\u00fcller.wav", "r1")), one("M\u00fcller: Mu\u0308ller.png, M\u00fcller.wav (calm) QUEUED"), nil},
		"a folder in NFD beside NFC":           {acts(put("Bu\u0308cher/a.png", "p1"), put("B\u00fccher/a.wav", "r1")), one("B\u00fccher/a: Bu\u0308cher/a.png, B\u00fccher/a.wav QUEUED"), nil},
		"plus and percent":                     {acts(put("a+b%20.png", "p1"), put("a+b%20.wav", "r1")), one("a+b%20: a+b%20.png, a+b%20.wav QUEUED"), nil},
		"Chinese names":                        {acts(put("课程/安娜.png", "p1"), put("课程/安娜.json", calm), put("课程/安娜.wav", "r1")), one("课程/安娜: 课程/安娜.png, 课程/安娜.wav (calm) QUEUED"), nil},
		"a dot in the stem":                    {acts(put("a.v2.png", "p1"), put("a.v2.json", calm), put("a.v2.wav", "r1")), one("a.v2: a.v2.png, a.v2.wav (calm) QUEUED"), nil},
		"two folders":                          {acts(put("x/a.png", "p1"), put("y/a.wav", "r1"), late), nil, one("recording_missing x/a.png", "picture_missing y/a.wav")},
		"another case of the stem":             {acts(put("Anna.png", "p1"), put("anna.wav", "r1"), late), nil, one("recording_missing Anna.png: “anna.wav”", "picture_missing anna.wav: “Anna.png”")},
		"a double extension":                   {acts(put("anna.png", "p1"), put("anna.mp3.wav", "r1"), late), nil, one("recording_missing anna.png: “anna.mp3.wav”", "picture_missing anna.mp3.wav: “anna.png”")},
		"a slip of the pen":                    {acts(put("interview.png", "p1"), put("interviwe.wav", "r1"), put("else.wav", "r2"), late), nil, one("picture_missing else.wav", "recording_missing interview.png: “interviwe.wav”", "picture_missing interviwe.wav: “interview.png”")},
		"a near miss that has its own":         {acts(put("anna.png", "p1"), put("anna1.png", "p2"), put("anna1.wav", "r1"), wait(time.Minute), late), one("anna1: anna1.png, anna1.wav QUEUED"), one("recording_missing anna.png")},
		"a sidecar for another stem":           {acts(put("anna.png", "p1"), put("anna.wav", "r1"), put("anna .v2.json", calm), late), one("anna: anna.png, anna.wav QUEUED"), one("files_missing anna .v2.json")},
		"a sidecar with a double extension":    {acts(put("anna.wav.json", calm), put("anna.wav", "r1"), late), nil, one("picture_missing anna.wav", "files_missing anna.wav.json: “anna.wav”")},
		"a sidecar alone":                      {acts(put("a.json", calm), late, late), nil, one("files_missing a.json")},
		"a sidecar and a picture":              {acts(put("a.json", calm), a, late), nil, one("recording_missing a.png")},
		"a sidecar and a recording":            {acts(put("a.json", calm), b, late), nil, one("picture_missing a.wav")},
		"files that are none of ours":          {acts(a, b, put(".a.json", calm), put("a.json.part", calm), put("_x/a.json", calm), put("x/", "")), one(plain), nil},
		"a folder that only manifests use":     {acts(put("_x/a.png", "p1"), put("_x/a.wav", "r1"), late), nil, nil},
		"a note beside the pair":               {acts(a, b, put("a.txt", "hello")), one(plain), one("file_unknown a.txt")},
		"a portrait and two voices":            {acts(put("portrait.png", "p1"), put("a.wav", "r1"), put("b.wav", "r2")), one("a: portrait.png, a.wav QUEUED", "b: portrait.png, b.wav QUEUED"), nil},
		"a voice called portrait":              {acts(put("portrait.png", "p1"), put("portrait.json", calm), put("portrait.wav", "r1"), wait(time.Minute)), one("portrait: portrait.png, portrait.wav (calm) QUEUED"), nil},
		"a portrait, a picture of its own":     {acts(put("portrait.png", "p1"), put("a.png", "p2"), b), one(plain), nil},
		"a portrait and a sidecar":             {acts(put("portrait.png", "p1"), put("a.json", calm), b), one("a: portrait.png, a.wav (calm) QUEUED"), nil},
		"a portrait, its sidecar of one voice": {acts(put("portrait.png", "p1"), put("a.json", calm), b, put("b.wav", "r2")), one("a: portrait.png, a.wav (calm) QUEUED", "b: portrait.png, b.wav QUEUED"), nil},
		// Options.
		"a style":                    {acts(a, put("a.json", calm), b), one(calmly), nil},
		"a ratio":                    {acts(a, put("a.json", `{"ratio":"3:4"}`), b), one("a: a.png, a.wav (3:4) QUEUED"), nil},
		"the ratio left to us":       {acts(a, put("a.json", `{"ratio":"auto"}`), b), one("a: a.png, a.wav (auto) QUEUED"), nil},
		"boxes":                      {acts(a, put("a.json", boxes), b), one("a: a.png, a.wav ([100 100 200 200] [0 0 400 400]) QUEUED"), nil},
		"a priority":                 {acts(a, put("a.json", `{"priority":"high"}`), b), one("a: a.png, a.wav (high) QUEUED"), nil},
		"the ordinary priority":      {acts(a, put("a.json", `{"priority":"normal"}`), b), one(plain), nil},
		"tags and metadata":          {acts(a, put("a.json", `{"tags":["x"],"metadata":{"order":"7"}}`), b), one("a: a.png, a.wav (#x order=7) QUEUED"), nil},
		"nothing asked for":          {acts(a, put("a.json", `{}`), b), one(plain), nil},
		"a dry run":                  {acts(a, put("a.json", dry), b), one("a: a.png, a.wav (dry) CHECKED"), nil},
		"a dry run, then in earnest": {acts(a, put("a.json", dry), b, wait(time.Hour), put("a.json", `{}`)), one("a: a.png, a.wav (dry) CHECKED", plain), nil},
		"in earnest, then a dry run": {acts(a, b, put("a.json", dry)), one(gone(plain), "a: a.png, a.wav (dry) CHECKED"), nil},
		"sent, then a dry run":       {acts(a, b, leaves, put("a.json", dry)), one(out(plain)), one("options_too_late a.json")},
		"a wrong name":               {acts(a, put("a.json", `{"ratoi":"1:1"}`), b), one("a: a.png, a.wav REJECTED"), one(`options_refused a.json: ratoi: there is no such option; perhaps "ratio" is meant`)},
		"one wrong value of two":     {acts(a, put("a.json", `{"style_level":"calm","ratio":"16:9"}`), b), one("a: a.png, a.wav REJECTED"), one("options_refused a.json: ratio: has to be one of 1:1, 3:4, auto")},
		"not JSON":                   {acts(a, put("a.json", `ratio: 1:1`), b), one("a: a.png, a.wav REJECTED"), one("options_refused a.json: line 1, column 1: not valid JSON")},
		"an empty sidecar":           {acts(a, put("a.json", ""), b), one("a: a.png, a.wav REJECTED"), one("options_refused a.json: the document is empty")},
		"a huge sidecar":             {acts(a, put("a.json", strings.Repeat(" ", 1<<20)), b), one("a: a.png, a.wav REJECTED"), one("options_refused a.json: the document has more than 16384 bytes")},
		"refused, then put right":    {acts(a, put("a.json", `{"ratoi":1}`), b, wait(time.Hour), put("a.json", calm)), one("a: a.png, a.wav REJECTED", calmly), one(`options_refused a.json: ratoi: there is no such option; perhaps "ratio" is meant`)},
		"refused, with a portrait, then put right":  {acts(put("portrait.png", "p1"), put("a.json", `[]`), b, wait(time.Hour), put("a.json", calm)), one("a: portrait.png, a.wav REJECTED", "a: portrait.png, a.wav (calm) QUEUED"), one("options_refused a.json: the document: has to be an object")},
		"refused twice, differently":                {acts(a, put("a.json", `[]`), b, wait(time.Hour), put("a.json", `{`)), one("a: a.png, a.wav REJECTED", "a: a.png, a.wav REJECTED"), one("options_refused a.json: the document: has to be an object", "options_refused a.json: line 1, column 1: not valid JSON")},
		"metadata of the recording":                 {acts(a, put("a.wav", "r1", "emo-style-level", "calm", "emo-tags", "x, y", "emo-metadata-order", "7", "other", "z")), one("a: a.png, a.wav (calm #x #y order=7) QUEUED"), nil},
		"metadata that is not ASCII":                {acts(a, put("a.wav", "r1", "emo-tags", "=?UTF-8?B?56eL?=")), one("a: a.png, a.wav (#秋) QUEUED"), nil},
		"metadata with boxes":                       {acts(a, put("a.wav", "r1", "emo-face-bbox", "100,100,200,200", "emo-ext-bbox", "0, 0, 400, 400")), one("a: a.png, a.wav ([100 100 200 200] [0 0 400 400]) QUEUED"), nil},
		"metadata for a dry run":                    {acts(a, put("a.wav", "r1", "emo-dry-run", "true")), one("a: a.png, a.wav (dry) CHECKED"), nil},
		"metadata of the picture":                   {acts(put("a.png", "p1", "emo-ratio", "3:4"), b), one("a: a.png, a.wav (3:4) QUEUED"), nil},
		"metadata of the portrait":                  {acts(put("portrait.png", "p1", "emo-ratio", "3:4"), b, wait(time.Minute)), one("a: portrait.png, a.wav (3:4) QUEUED"), nil},
		"the recording's before the picture's":      {acts(put("a.png", "p1", "emo-ratio", "3:4", "emo-style-level", "active"), put("a.wav", "r1", "emo-style-level", "calm")), one("a: a.png, a.wav (calm 3:4) QUEUED"), nil},
		"the sidecar's before all metadata":         {acts(put("a.png", "p1", "emo-ratio", "3:4"), put("a.wav", "r1", "emo-style-level", "active", "emo-dry-run", "true"), put("a.json", `{"style_level":"calm","dryRun":false}`)), one("a: a.png, a.wav (active 3:4 dry) CHECKED", "a: a.png, a.wav (calm 3:4) QUEUED"), nil},
		"wrong metadata":                            {acts(a, put("a.wav", "r1", "emo-ratoi", "1:1")), one("a: a.png, a.wav REJECTED"), one(`options_refused a.wav: x-amz-meta-emo-ratoi: there is no such option; perhaps "ratio" is meant`)},
		"wrong metadata under a good sidecar":       {acts(put("a.json", calm), a, put("a.wav", "r1", "emo-ratio", "2:1")), one("a: a.png, a.wav REJECTED"), one(`options_refused a.wav: x-amz-meta-emo-ratio: has to be one of 1:1, 3:4, auto`)},
		"boxes that do not go with another's ratio": {acts(put("a.png", "p1", "emo-ratio", "3:4"), put("a.json", boxes), b), one("a: a.png, a.wav REJECTED"), one("options_refused a.json: ratio: does not go with ext_bbox, which is 1:1")},
		"boxes outside of the picture":              {acts(a, put("a.json", wide), b), one("a: a.png, a.wav " + wideBoxes + " REJECTED"), one("options_refused a.json: ext_bbox: has to lie within the picture, which is 600×400")},
		"boxes outside of it, in metadata":          {acts(put("a.png", "p1", "emo-face-bbox", "1,1,2,2", "emo-ext-bbox", "0,0,500,500"), put("a.json", calm), b), one("a: a.png, a.wav (calm [1 1 2 2] [0 0 500 500]) REJECTED"), one("options_refused a.png: ext_bbox: has to lie within the picture, which is 600×400")},
		"boxes outside of it, then put right":       {acts(a, put("a.json", wide), b, wait(time.Hour), put("a.json", calm)), one("a: a.png, a.wav "+wideBoxes+" REJECTED", calmly), one("options_refused a.json: ext_bbox: has to lie within the picture, which is 600×400")},
		// Orders, and what is lost.
		"the sidecar first":                       {acts(put("a.json", calm), a, b), one(calmly), nil},
		"the sidecar's event lost":                {acts(quietly("a.json", calm), a, b), one(calmly), nil},
		"the sidecar's event late":                {acts(quietly("a.json", calm), a, b, leaves, event("a.json"), event("a.json")), one(out(calmly)), nil},
		"the picture's event late, a portrait":    {acts(put("portrait.png", "p1"), quietly("a.png", "p2"), quietly("a.json", calm), b, event("a.png")), one(calmly), nil},
		"late events, names in NFC and NFD":       {acts(put("portrait.png", "p1"), quietly("M\u00fcller.png", "p2"), quietly("M\u00fcller.json", calm), put("Mu\u0308ller.wav", "r1"), event("M\u00fcller.png")), one("M\u00fcller: M\u00fcller.png, Mu\u0308ller.wav (calm) QUEUED"), nil},
		"a sidecar while it waits":                {acts(a, b, wait(time.Hour), put("a.json", calm)), one(gone(plain), calmly), nil},
		"a sidecar while it waits, a portrait":    {acts(put("portrait.png", "p1"), b, wait(time.Hour), put("a.json", calm)), one(gone("a: portrait.png, a.wav QUEUED"), "a: portrait.png, a.wav (calm) QUEUED"), nil},
		"another sidecar while it waits":          {acts(a, put("a.json", calm), b, put("a.json", `{"style_level":"active"}`)), one(gone(calmly), "a: a.png, a.wav (active) QUEUED"), nil},
		"a wrong sidecar while it waits":          {acts(a, b, put("a.json", `{`)), one(gone(plain), "a: a.png, a.wav REJECTED"), one("options_refused a.json: line 1, column 1: not valid JSON")},
		"there and back while it waits":           {acts(a, put("a.json", calm), b, put("a.json", `{}`), wait(time.Hour), put("a.json", calm)), one(gone(plain), calmly), nil},
		"other labels while it waits":             {acts(a, put("a.json", `{"tags":["x"]}`), b, put("a.json", `{"tags":["y"],"priority":"low"}`)), one("a: a.png, a.wav (low #y) QUEUED"), nil},
		"other labels, sent":                      {acts(a, put("a.json", `{"tags":["x"]}`), b, leaves, put("a.json", `{"tags":["y"]}`)), one("a: a.png, a.wav (#x) SUBMITTED"), one("options_too_late a.json")},
		"a sidecar too late":                      {acts(a, b, leaves, put("a.json", calm)), one(out(plain)), one("options_too_late a.json")},
		"a sidecar too late, a portrait":          {acts(put("portrait.png", "p1"), b, wait(time.Minute), leaves, put("a.json", calm)), one("a: portrait.png, a.wav SUBMITTED"), one("options_too_late a.json")},
		"a wrong sidecar too late":                {acts(a, b, leaves, put("a.json", `{`)), one(out(plain)), one("options_too_late a.json")},
		"an idle sidecar late":                    {acts(a, b, leaves, put("a.json", `{"priority":"normal"}`)), one(out(plain)), nil},
		"metadata too late":                       {acts(a, b, leaves, put("a.wav", "r1", "emo-style-level", "calm")), one(out(plain)), one("options_too_late a.wav")},
		"metadata while it waits":                 {acts(a, b, put("a.wav", "r1", "emo-style-level", "calm")), one(gone(plain), calmly), nil},
		"a late sidecar counts for the next":      {acts(a, b, leaves, put("a.json", calm), put("a.wav", "r2")), one(out(plain), calmly), one("options_too_late a.json")},
		"a picture of its own and a sidecar late": {acts(put("portrait.png", "p1"), b, wait(time.Minute), leaves, put("a.png", "p2"), put("a.json", calm)), one("a: portrait.png, a.wav SUBMITTED"), one("picture_too_late a.png", "options_too_late a.json")},
		// Repeats.
		"everything again":                     {acts(a, put("a.json", calm), b, leaves, a, b, put("a.json", calm), event("a.wav"), event("a.json")), one(out(calmly)), nil},
		"the same sidecar, spelled otherwise":  {acts(a, put("a.json", calm), b, leaves, put("a.json", ` { "style_level" : "calm" } `)), one(out(calmly)), nil},
		"the same options by another way":      {acts(a, put("a.json", calm), b, leaves, put("a.wav", "r1", "emo-style-level", "calm")), one(out(calmly)), nil},
		"a sidecar too late, again":            {acts(a, b, leaves, put("a.json", calm), event("a.json"), event("a.json"), event("a.png")), one(out(plain)), one("options_too_late a.json")},
		"two sidecars too late":                {acts(a, b, leaves, put("a.json", calm), put("a.json", dry)), one(out(plain)), one("options_too_late a.json", "options_too_late a.json")},
		"another recording, the same options":  {acts(a, put("a.json", calm), b, leaves, put("a.wav", "r2")), one(out(calmly), calmly), nil},
		"another picture, the same options":    {acts(a, put("a.json", calm), b, leaves, put("a.png", "p2")), one(out(calmly), calmly), nil},
		"the same pair under two names":        {acts(a, b, put("b.png", "p1"), put("b.wav", "r1")), one(plain, "b: b.png, b.wav QUEUED"), nil},
		"two sidecars of one stem: the newer":  {acts(put("a.json", calm), wait(2*time.Second), put("a.JSON", `{"style_level":"active"}`), a, b), one("a: a.png, a.wav (active) QUEUED"), nil},
		"two pictures of one stem: the newer":  {acts(a, wait(2*time.Second), put("a.jpg", "p2"), b), one("a: a.jpg, a.wav QUEUED"), nil},
		"a sidecar taken away before it makes": {acts(put("a.json", calm), a, func(w *world) { w.files.remove("a.json") }, b), one(plain), nil},
	}
}

func TestEachHandInBecomesExactlyTheseJobs(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(handIns()), 60)
	for name, c := range handIns() {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				for _, do := range c.does {
					do(w)
				}
				time.Sleep(4 * time.Minute) // what an invocation left is due
				w.due()
				require.Equal(t, c.jobs, lines(w))
				told := says(w)
				slices.Sort(told)
				slices.Sort(c.told)
				require.Equal(t, c.told, told)
			})
		})
	}
}

// orders are all orders of some things.
func orders[T any](of []T) [][]T {
	if len(of) < 2 {
		return [][]T{of}
	}
	var all [][]T
	for i := range of {
		rest := append(slices.Clone(of[:i]), of[i+1:]...)
		for _, o := range orders(rest) {
			all = append(all, append([]T{of[i]}, o...))
		}
	}
	return all
}

func TestAllOrdersWithinTheSettlingTimeMakeTheSameJob(t *testing.T) {
	t.Parallel()
	for kind, image := range map[string]string{"its own picture": "a.png", "the portrait": "portrait.png"} {
		ids := map[string]bool{}
		for _, order := range orders([]string{image, "a.wav", "a.json"}) {
			for _, gap := range []time.Duration{0, time.Second, settle - time.Millisecond} {
				for _, lost := range []string{"", "a.json"} {
					if !race.Plays(fmt.Sprint(kind, order, gap, lost)) {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t)
						what := map[string]string{image: "p1", "a.wav": "r1", "a.json": `{"style_level":"calm","ratio":"auto"}`}
						done := make(chan struct{})
						for i, key := range order {
							quietly(key, what[key])(w)
							go func() {
								if key != lost {
									w.created(key)
								}
								done <- struct{}{}
							}()
							if i < len(order)-1 {
								time.Sleep(gap)
							}
						}
						for range order {
							<-done
						}
						says := fmt.Sprint(kind, order, gap, lost)
						require.Equal(t, []string{"a: " + image + ", a.wav (calm auto) QUEUED"}, lines(w), says)
						ids[w.all()[0].ID] = true
						require.Empty(t, w.told, says)
					})
				}
			}
		}
		require.Len(t, ids, 1, kind)
	}
}

// Whatever comes when, also while the job before leaves: what differs in its options
// alone is sent once.
func TestNoOrderOfOptionsHasOneContentSentTwice(t *testing.T) {
	t.Parallel()
	does := map[string]act{
		"picture": put("a.png", "p1"), "recording": put("a.wav", "r1"), "calm": put("a.json", `{"style_level":"calm"}`),
		"dry": put("a.json", `{"dryRun":true}`), "metadata": put("a.wav", "r1", "emo-ratio", "3:4"), "sent": leaves,
	}
	for _, order := range race.Some(orders([]string{"recording", "calm", "dry", "metadata", "sent"})) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			does["picture"](w)
			for _, a := range order {
				does[a](w)
			}
			for range 2 {
				time.Sleep(4 * time.Minute)
				w.due()
				leaves(w)
				for _, key := range []string{"a.json", "a.wav", "a.png"} {
					w.created(key)
				}
			}
			posted := 0
			for _, j := range w.all() {
				posted += j.Posts
				require.False(t, j.Posts > 0 && j.Options.DryRun, "%v", order)
				require.NotEqual(t, job.Queued, j.State, "%v: nothing is left behind", order)
			}
			require.LessOrEqual(t, posted, 1, "%v: %v", order, lines(w))
		})
	}
}

func TestOptionsThatComeWhileTheJobLeavesLoseToIt(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		put("a.png", "p1")(w)
		put("a.wav", "r1")(w)
		id := w.all()[0].ID
		// The job is admitted after intake has read it and before it takes it back.
		w.files.onOpen = func(key string) {
			if key == "a.wav" {
				w.files.onOpen = nil
				require.NoError(t, w.send(context.Background(), id))
			}
		}
		put("a.json", `{"style_level":"calm"}`)(w)
		require.Equal(t, []string{"a: a.png, a.wav SUBMITTED"}, lines(w))
		require.Equal(t, []string{"options_too_late a.json"}, says(w))
	})
}
