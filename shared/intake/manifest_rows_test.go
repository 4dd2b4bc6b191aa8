package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func rowsOf(t *testing.T, key, doc string) *rows {
	t.Helper()
	rs, err := readRows(key, strings.NewReader(doc))
	require.NoError(t, err)
	return rs
}

// said are the faults of a manifest, a line each.
func (rs *rows) said() (all []string) {
	for _, f := range rs.faults {
		all = append(all, fmt.Sprintf("%d %s", f.Line, f.Text))
	}
	return all
}

const header = "name,image,audio\n"

func TestBothFormsOfAManifestSayTheSame(t *testing.T) {
	t.Parallel()
	table := "name,image,Audio,style-level,RATIO,face_bbox,emo-ext-bbox,priority,dry-run,tags,metadata-Order,metadata-note\n" +
		`anna,_files/a.jpg,/voices/a.mp3,calm,1:1,"302,286,610,593","71,9,840,778",high,true,"spring,course-7",4711,"say ""hi"", and go"` + "\n" +
		"bert,b.jpg,b.wav\n"
	lines := `{"name":"anna","image":"_files/a.jpg","audio":"/voices/a.mp3","style_level":"calm","ratio":"1:1",` +
		`"face_bbox":[302,286,610,593],"ext_bbox":[71,9,840,778],"priority":"high","dryRun":true,` +
		`"tags":["spring","course-7"],"metadata":{"Order":"4711","note":"say \"hi\", and go"}}` + "\n\n" +
		`{"name":"bert","image":"b.jpg","audio":"b.wav"}` + "\n"
	want := rowsOf(t, "courses/week.jobs.jsonl", lines)
	require.Empty(t, want.said())
	require.Len(t, want.all, 2)
	require.Equal(t, []string{"anna", "courses/_files/a.jpg", "voices/a.mp3"}, []string{want.all[0].name, want.all[0].image, want.all[0].audio})
	require.Equal(t, "4711", want.all[0].wish.metadata["Order"], "names of entries keep their letters")
	require.Equal(t, []int{1, 3}, []int{want.all[0].line, want.all[1].line})

	for how, doc := range map[string]string{
		"as it is":                  table,
		"with a byte order mark":    "\xef\xbb\xbf" + table,
		"with lines of Windows":     strings.ReplaceAll(table, "\n", "\r\n"),
		"without a last line's end": strings.TrimSuffix(table, "\n"),
		"with empty lines":          strings.Replace(table, "bert", ",,,,\n\nbert", 1),
		"with cells to spare":       strings.Replace(table, "b.wav", "b.wav,,,,,,,,,,,,,", 1),
	} {
		got := rowsOf(t, "courses/week.jobs.CSV", doc)
		require.Empty(t, got.said(), how)
		require.Len(t, got.all, 2, how)
		for i := range got.all {
			got.all[i].line = want.all[i].line
		}
		require.Equal(t, want.all, got.all, how)
	}
	for _, sep := range []string{";", "\t"} {
		got := rowsOf(t, "x.jobs.csv", strings.ReplaceAll(header+"anna,a.jpg,a.mp3\n", ",", sep))
		require.Empty(t, got.said())
		require.Equal(t, "a.mp3", got.all[0].audio)
	}
	got := rowsOf(t, "courses/week.jobs.jsonl", "\xef\xbb\xbf"+strings.ReplaceAll(lines, "\n", "\r\n"))
	require.Empty(t, got.said())
	require.Equal(t, want.all, got.all)
}

func TestEveryLineThatIsWrongIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	row := func(name, more string) string {
		return `{"name":"` + name + `","image":"a.jpg","audio":"a.mp3"` + more + `}`
	}
	long := strings.Repeat("长", 201)
	for doc, want := range map[string][]string{
		"":                       {"0 the file has no rows"},
		"\n \n":                  {"0 the file has no rows"},
		"{":                      {"1 column 1: not valid JSON"},
		"[" + row("a", "") + "]": {"1 the line: has to be an object"},
		row("a", "") + "\n" + row("b", `,"ratoi":"1:1"`) + "\n" + row("a", "") + "\n" + row("c", `,"tags":"x"`): {
			`2 ratoi: there is no such option; perhaps "ratio" is meant`, "3 name: stands on line 1 already", "4 tags: has to be a list"},
		`{"name":"a","imagge":"a.jpg","audio":"a.mp3"}`: {`1 imagge: there is no such option; perhaps "image" is meant`},
		`{"name":"a","audio":"a.mp3"}`:                  {"1 image: is missing"},
		`{"name":"a","image":"a.jpg"}`:                  {"1 audio: is missing"},
		`{"image":"a.jpg","audio":"a.mp3"}`:             {"1 name: has to be a text of 1 to 200 characters"},
		`{"name":7,"image":"a.jpg","audio":"a.mp3"}`:    {"1 name: has to be a text"},
		row("  ", ""):  {"1 name: has to be a text of 1 to 200 characters"},
		row(long, ""):  {"1 name: has to be a text of 1 to 200 characters"},
		row("b/a", ""): {"1 name: must not have a slash; the folder is the manifest's own"},
		row(".a", ""):  {"1 name: must not begin with a dot"},
		row("u\u0308", "") + "\n" + row(" ü ", ""):                                             {"2 name: stands on line 1 already"},
		`{"name":"a","image":"s3://b/a.jpg","audio":"a.mp3"}`:                                  {"1 image: has to be the key of a file in the inbox, not an address"},
		`{"name":"a","image":"../a.jpg","audio":"a.mp3"}`:                                      {"1 image: must not have . or .. in its path; begin it with a slash to name another folder"},
		`{"name":"a","image":"_files\\a.jpg","audio":"a.mp3"}`:                                 {`1 image: must not have a backslash (\); put a slash (/) between folders`},
		`{"name":"a","image":"a.jpg","audio":"/"}`:                                             {"1 audio: has to be a key of 1 to 1024 bytes"},
		row("a", `,"name":"b"`):                                                                {"1 name: stands there twice"},
		row("a", `,"metadata":{"x":"`+strings.Repeat("y", 17<<10)+`"}`) + "\n" + row("b", ","): {"1 the line has more than 16384 bytes", "2 column 45: not valid JSON"},
		row("a", "") + "\n" + "{\"name\":\"\xc4\xe3\xba\xc3\"}\n" + row("b", ","):              {"2 the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"},
	} {
		require.Equal(t, want, rowsOf(t, "x.jobs.jsonl", doc).said(), "%.200s", doc)
	}
	for doc, want := range map[string][]string{
		"":                                   {"0 the file has no rows"},
		header:                               {"0 the file has no rows"},
		"name,image\na,b\n":                  {"1 audio: is missing; the first line has to name the columns name, image and audio"},
		"name,image,audio,ratoi\n":           {`1 ratoi: there is no such option; perhaps "ratio" is meant`},
		"name,image,audio,emo-ratio,Ratio\n": {"1 Ratio: stands there twice"},
		header + "a,b,c,d\n":                 {"2 column 4: has no title in the first line"},
		header + "a,b\n":                     {"2 audio: is missing"},
		header + "a,\"b\nc\",d\nb,\"x\"y,z\nc,d,e,f\n":    {"4 a quotation mark is out of place", "5 column 4: has no title in the first line"},
		"name,image,audio,dry-run\na,b,c,yes\n":           {"2 dry-run: has to be true or false"},
		"name,image,audio,face-bbox\na,b,c,\"1,2\"\n":     {"2 face-bbox: has to be four whole numbers: left, top, right, bottom"},
		"name,image,audio,face-bbox\na,b,c,\"1,2,3,4\"\n": {"2 face_bbox: has to come together with ext_bbox"},
		header + "\xc4\xe3\xba\xc3,b,c\n":                 {"2 the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"},
		"\xff\xfen\x00a\x00m\x00e\x00\n\x00":              {"1 the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"},
	} {
		require.Equal(t, want, rowsOf(t, "x.jobs.csv", doc).said(), "%.200s", doc)
	}
}

func TestTenThousandWrongLinesAreToldOneByOneAndTheRestIsCounted(t *testing.T) {
	t.Parallel()
	rs := rowsOf(t, "x.jobs.csv", header+strings.Repeat("a,,\n", 10_250))
	require.Len(t, rs.faults, 10_000)
	require.Equal(t, 250, rs.more)
	require.Equal(t, job.RowFault{Line: 10_001, Text: "image: is missing"}, rs.faults[9999])
}

func TestAManifestHasItsBounds(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "r%d,a,b\n", i)
		}
		return header + b.String()
	}
	rs := rowsOf(t, "x.jobs.csv", many(10_000))
	require.Empty(t, rs.said())
	require.Len(t, rs.all, 10_000)
	require.Equal(t, []string{"10002 the file has more than 10000 rows; split it"}, rowsOf(t, "x.jobs.csv", many(20_000)).said())
	endless := io.MultiReader(strings.NewReader(header), forever{})
	for _, key := range []string{"x.jobs.csv", "x.jobs.jsonl"} {
		rs, err := readRows(key, endless)
		require.NoError(t, err)
		require.Equal(t, []string{"0 the file has more than 10485760 bytes; split it"}, rs.said())
	}
}

// Spreadsheets write more than was typed: TRUE for true, a time for a ratio, lines of
// nothing, and, where they are asked for a Mac's table, line ends of their own.
func TestATableIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	t.Parallel()
	read := func(doc string) (out []string) {
		rs := rowsOf(t, "x.jobs.csv", doc)
		require.Empty(t, rs.said(), "%q", doc)
		for _, r := range rs.all {
			o := r.wish.options()
			out = append(out, fmt.Sprint(r.line, " ", r.name, " ", o.Ratio, " ", o.DryRun))
		}
		return out
	}
	for _, ratios := range []string{"1:01,3:04", "01:01,03:04", "1:01:00,03:04:00", "1:1,3:4"} {
		square, portrait, _ := strings.Cut(ratios, ",")
		require.Equal(t, []string{"2 a 1:1 true", "3 b 3:4 false"},
			read("name,image,audio,dry-run,ratio\na,x,y,TRUE,"+square+"\nb,x,y,False,"+portrait+"\n"))
	}
	require.Equal(t, []string{"4 a  false"}, read("\r\n  \r\nname;image;audio;tags\r\na;b;c;x,y\r\n"))
	for _, said := range []string{"sep=;", `"sep=;"`, "SEP=;\r", "sep=;;;"} {
		require.Equal(t, []string{"3 a  false"}, read("\xef\xbb\xbf"+said+"\nname;image;audio\na;b,1;c\n"), said)
	}
	require.Equal(t, []string{"3 a  false"}, read("sep=|\nname|image|audio\na|b|c\n"))
	require.Equal(t, []string{"3 audio: is missing", "4 a quotation mark is out of place"},
		rowsOf(t, "x.jobs.csv", "sep=\t\nname\timage\taudio\na\tb\nb\t\"x\"y\tz\n").said())
	require.Equal(t, []string{"2 a  false", "3 d  false"}, read("\xef\xbb\xbfname,image,audio\ra,b,c\r\"d\",e,f\r"))
	require.Equal(t, []string{"2 ratio: has to be one of 1:1, 3:4, auto"}, rowsOf(t, "x.jobs.csv", "name,image,audio,ratio\na,b,c,16:09\n").said())
	require.Len(t, rowsOf(t, "x.jobs.jsonl", strings.ReplaceAll(`{"name":"a","image":"b","audio":"c"}|{"name":"d","image":"b","audio":"c"}|`, "|", "\r")).all, 2)
}

// Many letters are longer, or shorter, in lower case: a title's beginning is found by it,
// and the entry keeps the letters that it was written in.
func TestAColumnOfTheMetadataMayHaveAnyLetters(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"Order", "İsim", "\u212aelvin", strings.Repeat("Ⱥ", 20), "Größe", "班级"} {
		for _, before := range []string{"metadata-", "METADATA_", "emo-Metadata-"} {
			rs := rowsOf(t, "x.jobs.csv", "name,image,audio,"+before+entry+"\na,b,c,d\n")
			require.Empty(t, rs.said())
			require.Equal(t, map[string]string{entry: "d"}, rs.all[0].wish.metadata)
		}
	}
}

func TestASpaceBehindAManifestsNameChangesNothingOfItsForm(t *testing.T) {
	t.Parallel()
	for key, doc := range map[string]string{"x.jobs.csv ": header + "a,b,c\n", " X.JOBS.CSV\u00a0": header + "a,b,c\n",
		"x.jobs.jsonl ": `{"name":"a","image":"b","audio":"c"}`} {
		kind, _ := Classify(key)
		require.Equal(t, Manifest, kind)
		rs := rowsOf(t, key, doc)
		require.Empty(t, rs.said(), "%q", key)
		require.Len(t, rs.all, 1)
	}
}

// A table of 10 MB may have hundreds of thousands of columns.
func TestATableOfManyColumnsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	columns := func(n int) string {
		var b strings.Builder
		b.WriteString("name,image,audio")
		for i := range n {
			fmt.Fprintf(&b, ",metadata-%d", i)
		}
		return b.String() + "\na,b,c\n"
	}
	require.Equal(t, []string{"1 the first line has more than 40 columns"}, rowsOf(t, "x.jobs.csv", columns(38)).said())
	require.Equal(t, []string{"1 the first line has more than 40 columns"}, rowsOf(t, "x.jobs.csv", columns(100_000)).said(), "not each compared with each")
	require.Empty(t, rowsOf(t, "x.jobs.csv", columns(37)).said())
	spare := "name,image,audio" + strings.Repeat(",", 1000) + "\na,b,c\n"
	require.Empty(t, rowsOf(t, "x.jobs.csv", spare).said(), "spreadsheets leave columns without a title")
}

func TestANameHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a\nb", "a\tb", "a\x01b", "a\x00b", "a\u0085b", "a\u2028b", "a\x7fb"} {
		line, err := json.Marshal(map[string]string{"name": name, "image": "a.jpg", "audio": "a.mp3"})
		require.NoError(t, err)
		require.Equal(t, []string{"1 name: must not have control characters or line ends"}, rowsOf(t, "x.jobs.jsonl", string(line)).said(), "%q", name)
	}
	require.Equal(t, []string{"2 name: must not have control characters or line ends"},
		rowsOf(t, "x.jobs.csv", header+"\"a\nb\",a.jpg,a.mp3\n").said())
	require.Empty(t, rowsOf(t, "x.jobs.csv", header+"Zoë 安娜 👩‍💻,a.jpg,a.mp3\n").said())
}

// forever is a line that does not end.
type forever struct{}

func (forever) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte("x"), len(b))), nil }

func TestTroubleInReadingIsNoFaultOfTheManifest(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for _, key := range []string{"x.jobs.csv", "x.jobs.jsonl"} {
		_, err := readRows(key, io.MultiReader(strings.NewReader(header+"a,b,c\n"), iotest.ErrReader(down)))
		require.ErrorIs(t, err, down)
	}
}

// FuzzManifest: whatever is handed in, each row is one that could have been dropped, and
// every fault is told in words that a mail can carry.
func FuzzManifest(f *testing.F) {
	f.Add(true, []byte("\xef\xbb\xbf"+header+"a,b,c\r\n\"x\"\"y\",\"1,2\",z\n"))
	f.Add(true, []byte("name;image;audio;metadata-x\na;b;c;d\n\xc4\xe3"))
	f.Add(true, []byte("name,image,audio,metadata-İx\na,b,c,d\n"))
	f.Add(false, []byte(`{"name":"a","image":"/b","audio":"c","ratio":"3:4"}`+"\n{}\n[]"))
	f.Fuzz(func(t *testing.T, table bool, doc []byte) {
		key := "courses/x.jobs.jsonl"
		if table {
			key = "courses/x.jobs.csv"
		}
		rs, err := readRows(key, bytes.NewReader(doc))
		require.NoError(t, err)
		require.True(t, len(rs.all) > 0 || len(rs.faults) > 0)
		seen := map[string]bool{}
		for _, r := range rs.all {
			require.False(t, seen[r.name], "%q twice", r.name)
			seen[r.name] = true
			kind, n := Classify("courses/" + r.name + ".wav")
			require.Equal(t, Recording, kind, "%q", r.name)
			require.Equal(t, r.name, n.Stem)
			require.False(t, strings.ContainsFunc(r.name, unicode.IsControl), "%q", r.name)
			require.NotEmpty(t, r.image)
			require.NotEmpty(t, r.audio)
			require.NoError(t, r.wish.whole())
			for name := range r.wish.metadata {
				require.True(t, utf8.ValidString(name), "%q", name)
			}
		}
		for _, f := range rs.faults {
			require.NotEmpty(t, f.Text)
			require.True(t, utf8.ValidString(f.Text))
			require.Less(t, len(f.Text), 400)
		}
	})
}
