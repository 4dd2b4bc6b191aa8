package intake

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// document is a sidecar and what is to be said of it: nothing of a good one. beyond
// are those that only the code can refuse: the schema's description lists why.
type document struct {
	doc, says string
	beyond    bool
}

func documents() map[string]document {
	long := func(n int) string { return strings.Repeat("长", n) }
	entries := func(n int, value string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(`"k%d":%q`, i, value)
		}
		return `{"metadata":{` + strings.Join(parts, ",") + `}}`
	}
	tags := func(n int) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(`"t%d"`, i)
		}
		return `{"tags":[` + strings.Join(parts, ",") + `]}`
	}
	const boxes = `"face_bbox":[302,286,610,593],"ext_bbox":[71,9,840,778]`
	return map[string]document{
		"nothing":              {doc: `{}`},
		"everything":           {doc: `{"$schema":"x","style_level":"calm","ratio":"1:1",` + boxes + `,"priority":"high","dryRun":true,"metadata":{"order":"4711"},"tags":["spring","秋"]}`},
		"space around":         {doc: " \r\n\t{ \"ratio\" : \"auto\" }\n"},
		"a byte order mark":    {doc: "\xef\xbb\xbf{\"ratio\":\"3:4\"}"},
		"every style":          {doc: `{"style_level":"active"}`},
		"escaped":              {doc: `{"\u0072atio":"\u0031:1"}`},
		"whole floats":         {doc: `{"face_bbox":[3.02e2,286.0,610,593],"ext_bbox":[71,9,840,778]}`},
		"low":                  {doc: `{"priority":"low"}`},
		"ordinary":             {doc: `{"priority":"normal","dryRun":false}`},
		"empty labels":         {doc: `{"metadata":{},"tags":[]}`},
		"an empty value":       {doc: `{"metadata":{"a":""}}`},
		"longest name":         {doc: `{"metadata":{"` + long(40) + `":"x"}}`},
		"longest value":        {doc: `{"metadata":{"a":"` + long(256) + `"}}`},
		"most entries":         {doc: entries(20, "x")},
		"most tags":            {doc: tags(10)},
		"longest tag":          {doc: `{"tags":["` + long(64) + `"]}`},
		"auto with boxes":      {doc: `{"ratio":"auto",` + boxes + `}`},
		"half body box":        {doc: `{"ratio":"3:4","face_bbox":[100,100,200,200],"ext_bbox":[0,0,300,400]}`},
		"a pixel off square":   {doc: `{"face_bbox":[100,100,200,200],"ext_bbox":[0,0,300,301]}`},
		"an odd name":          {doc: `{"metadata":{"a.b[0] \"c\"":"x","__proto__":"y"}}`},
		"a link as it is":      {doc: `{"metadata":{"callback":"https://shop.example/a?id=3"}}`},
		"a surrogate pair":     {doc: `{"tags":["\ud83d\udc4b"]}`},
		"ratoi":                {`{"ratoi":"1:1"}`, `ratoi: there is no such option; perhaps "ratio" is meant`, false},
		"style":                {`{"style":"calm"}`, `style: there is no such option`, false},
		"another's spelling":   {`{"faceBBox":[1,2,3,4]}`, `faceBBox: there is no such option; perhaps "face_bbox" is meant`, false},
		"dry_run":              {`{"dry_run":true}`, `dry_run: there is no such option; perhaps "dryRun" is meant`, false},
		"another case":         {`{"Ratio":"1:1"}`, `Ratio: there is no such option; perhaps "ratio" is meant`, false},
		"a long name":          {`{"` + strings.Repeat("x", 5000) + `":1}`, strings.Repeat("x", 60) + `…: there is no such option`, false},
		"16:9":                 {`{"ratio":"16:9"}`, `ratio: has to be one of 1:1, 3:4, auto`, false},
		"Auto":                 {`{"ratio":"Auto"}`, `ratio: has to be one of 1:1, 3:4, auto; perhaps "auto" is meant`, false},
		"a ratio as a number":  {`{"ratio":1}`, `ratio: has to be one of 1:1, 3:4, auto`, false},
		"null":                 {`{"ratio":null}`, `ratio: has to be one of 1:1, 3:4, auto`, false},
		"cam":                  {`{"style_level":"cam"}`, `style_level: has to be one of normal, calm, active; perhaps "calm" is meant`, false},
		"urgent":               {`{"priority":"urgent"}`, `priority: has to be one of high, normal, low`, false},
		"yes":                  {`{"dryRun":"yes"}`, `dryRun: has to be true or false`, false},
		"1 for true":           {`{"dryRun":1}`, `dryRun: has to be true or false`, false},
		"face alone":           {`{"face_bbox":[1,2,3,4]}`, `face_bbox: has to come together with ext_bbox`, false},
		"ext alone":            {`{"ext_bbox":[0,0,400,400]}`, `ext_bbox: has to come together with face_bbox`, false},
		"three numbers":        {`{"face_bbox":[1,2,3],"ext_bbox":[0,0,400,400]}`, `face_bbox: has to be four whole numbers: left, top, right, bottom`, false},
		"a box as an object":   {`{"face_bbox":{"x":1},"ext_bbox":[0,0,400,400]}`, `face_bbox: has to be four whole numbers: left, top, right, bottom`, false},
		"half a pixel":         {`{"face_bbox":[1,2,3.5,4],"ext_bbox":[0,0,400,400]}`, `face_bbox[2]: has to be a whole number from 0 to 7000`, false},
		"a negative pixel":     {`{"face_bbox":[-1,2,3,4],"ext_bbox":[0,0,400,400]}`, `face_bbox[0]: has to be a whole number from 0 to 7000`, false},
		"a huge pixel":         {`{"face_bbox":[1,2,3,1e400],"ext_bbox":[0,0,400,400]}`, `face_bbox[3]: has to be a whole number from 0 to 7000`, false},
		"a pixel too far":      {`{"face_bbox":[1,2,3,7001],"ext_bbox":[0,0,400,400]}`, `face_bbox[3]: has to be a whole number from 0 to 7000`, false},
		"a pixel as a text":    {`{"face_bbox":["1",2,3,4],"ext_bbox":[0,0,400,400]}`, `face_bbox[0]: has to be a whole number from 0 to 7000`, false},
		"metadata as a list":   {`{"metadata":[]}`, `metadata: has to be an object`, false},
		"a number carried":     {`{"metadata":{"order":4711}}`, `metadata.order: has to be a text of 0 to 256 characters`, false},
		"an object carried":    {`{"metadata":{"a":{"b":"c"}}}`, `metadata.a: has to be a text of 0 to 256 characters`, false},
		"a value too long":     {`{"metadata":{"a":"` + long(257) + `"}}`, `metadata.a: has to be a text of 0 to 256 characters`, false},
		"a nameless entry":     {`{"metadata":{"":"a"}}`, `metadata.: its name has to be a text of 1 to 40 characters`, false},
		"an entry too many":    {entries(21, "x"), `metadata: has more than 20 entries`, false},
		"tags as a text":       {`{"tags":"spring"}`, `tags: has to be a list`, false},
		"a tag too many":       {tags(11), `tags: has more than 10 entries`, false},
		"an empty tag":         {`{"tags":["a",""]}`, `tags[1]: has to be a text of 1 to 64 characters`, false},
		"a tag too long":       {`{"tags":["` + long(65) + `"]}`, `tags[0]: has to be a text of 1 to 64 characters`, false},
		"a tag twice":          {`{"tags":["a","b","a"]}`, `tags[2]: stands there twice`, false},
		"a number as a tag":    {`{"tags":[1]}`, `tags[0]: has to be a text of 1 to 64 characters`, false},
		"a list":               {`[]`, `the document: has to be an object`, false},
		"a text":               {`"calm"`, `the document: has to be an object`, false},
		"nothing but null":     {`null`, `the document: has to be an object`, false},
		"schema as a number":   {`{"$schema":1}`, `$schema: has to be a text of 0 to 16384 characters`, false},
		"not JSON":             {"{\n  \"ratio\": \"1:1\",\n}", `line 3, column 1: not valid JSON`, true},
		"a comment":            {"// my options\n{}", `line 1, column 1: not valid JSON`, true},
		"cut off":              {`{"ratio":`, `line 1, column 9: not valid JSON`, true},
		"two documents":        {`{}{}`, `line 1, column 3: not valid JSON`, true},
		"empty":                {"", `the document is empty`, true},
		"blank":                {" \n", `the document is empty`, true},
		"UTF-16":               {"\xff\xfe{\x00}\x00", `the document is not UTF-8`, true},
		"Latin-1":              {"{\"tags\":[\"caf\xe9\"]}", `the document is not UTF-8`, true},
		"too long by its mark": {"\xef\xbb\xbf{}" + strings.Repeat(" ", maxSidecar-2), `the document has more than 16384 bytes`, true},
		"too long":             {`{"$schema":"` + strings.Repeat("x", maxSidecar) + `"}`, `the document has more than 16384 bytes`, true},
		"too deep":             {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), `the document is nested too deeply`, false},
		"twice":                {`{"ratio":"1:1","ratio":"3:4"}`, `ratio: stands there twice`, true},
		"twice, one escaped":   {`{"dryRun":true,"dry\u0052un":false}`, `dryRun: stands there twice`, true},
		"twice, deeper":        {`{"metadata":{"a":"1","a":"2"}}`, `metadata.a: stands there twice`, true},
		"inside out":           {`{"face_bbox":[3,2,1,4],"ext_bbox":[0,0,400,400]}`, `face_bbox: its right has to be greater than its left, and its bottom than its top`, true},
		"a flat box":           {`{"face_bbox":[1,2,3,2],"ext_bbox":[0,0,400,400]}`, `face_bbox: its right has to be greater than its left, and its bottom than its top`, true},
		"neither shape":        {`{"face_bbox":[1,2,3,4],"ext_bbox":[0,0,400,300]}`, `ext_bbox: has to be of the shape 1:1 or 3:4; it is 400×300`, true},
		"the face outside":     {`{"face_bbox":[1,2,3,401],"ext_bbox":[0,0,400,400]}`, `face_bbox: has to lie within ext_bbox`, true},
		"the other ratio":      {`{"ratio":"3:4",` + boxes + `}`, `ratio: does not go with ext_bbox, which is 1:1`, true},
		"labels too large":     {entries(10, strings.Repeat("x", 210)), `metadata, tags: more than 2048 bytes together`, true},
		"labels too large, 中文": {`{"metadata":{"a":"` + long(256) + `","b":"` + long(256) + `","c":"` + long(256) + `"}}`, `metadata, tags: more than 2048 bytes together`, true},
	}
}

func TestTheCodeSaysOfEachDocumentWhatIsWrongWhere(t *testing.T) {
	t.Parallel()
	for name, c := range documents() {
		n, err := parse([]byte(c.doc))
		if err == nil {
			_, err = wishOf(n)
		}
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.EqualError(t, err, c.says, name)
		require.LessOrEqual(t, len(err.Error()), 200, "%s: it stands in the job's record", name)
	}
}

func TestThePublishedSchemaJudgesEachDocumentAsTheCodeDoes(t *testing.T) {
	t.Parallel()
	schema := published(t)
	for name, c := range documents() {
		var doc any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(c.doc, "\xef\xbb\xbf")), &doc); err != nil {
			require.True(t, c.beyond || name == "a huge pixel", "%s: %v", name, err)
			continue
		}
		err := check(t, schema, schema, doc)
		if c.says == "" || c.beyond {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
	}
}

func TestThePublishedSchemaHasTheOptionsOfTheCode(t *testing.T) {
	t.Parallel()
	properties := published(t)["properties"].(map[string]any)
	require.Len(t, properties, len(options))
	for _, o := range options {
		require.Contains(t, properties, o.name)
	}
}

func FuzzADocumentIsReadOrRefusedAsTheSchemaHasIt(f *testing.F) {
	for _, c := range documents() {
		f.Add([]byte(c.doc))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := parse(raw)
		if err != nil {
			return
		}
		w, err := wishOf(n)
		if err != nil {
			require.True(t, utf8.ValidString(err.Error()))
			return
		}
		require.NoError(t, w.whole())
		var doc any
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(raw), "\xef\xbb\xbf")), &doc))
		schema := published(t)
		require.NoError(t, check(t, schema, schema, doc), "what the code takes, the schema takes")
	})
}

func published(t *testing.T) map[string]any {
	t.Helper()
	b, err := os.ReadFile("../../docs/sidecar.schema.json")
	require.NoError(t, err)
	var schema map[string]any
	require.NoError(t, json.Unmarshal(b, &schema))
	return schema
}

// check is JSON Schema, as far as the published one uses it; a keyword that it does not
// know fails the test. Source: https://json-schema.org/draft/2020-12/json-schema-validation
func check(t *testing.T, root, schema map[string]any, doc any) error {
	t.Helper()
	for keyword, want := range schema {
		if !holds(t, root, schema, keyword, want, doc) {
			return fmt.Errorf("%v: %s %v", doc, keyword, want)
		}
	}
	return nil
}

func holds(t *testing.T, root, schema map[string]any, keyword string, want, doc any) bool {
	t.Helper()
	o, isObject := doc.(map[string]any)
	l, isList := doc.([]any)
	s, isText := doc.(string)
	n, isNumber := doc.(float64)
	limit, _ := want.(float64)
	sub := func(schema, doc any) bool { return check(t, root, schema.(map[string]any), doc) == nil }
	switch keyword {
	case "$schema", "title", "description", "$defs":
		return true
	case "$ref":
		return sub(root["$defs"].(map[string]any)[strings.TrimPrefix(want.(string), "#/$defs/")], doc)
	case "type":
		_, isBool := doc.(bool)
		return map[string]bool{"object": isObject, "array": isList, "string": isText, "boolean": isBool,
			"integer": isNumber && n == math.Trunc(n)}[want.(string)]
	case "enum":
		return slices.Contains(want.([]any), doc)
	case "minimum":
		return !isNumber || n >= limit
	case "maximum":
		return !isNumber || n <= limit
	case "minLength":
		return !isText || float64(utf8.RuneCountInString(s)) >= limit
	case "maxLength":
		return !isText || float64(utf8.RuneCountInString(s)) <= limit
	case "minItems":
		return !isList || float64(len(l)) >= limit
	case "maxItems":
		return !isList || float64(len(l)) <= limit
	case "maxProperties":
		return !isObject || float64(len(o)) <= limit
	case "uniqueItems":
		for i, v := range l {
			if slices.ContainsFunc(l[:i], func(w any) bool { return fmt.Sprintf("%#v", v) == fmt.Sprintf("%#v", w) }) {
				return false
			}
		}
		return true
	case "items":
		return !slices.ContainsFunc(l, func(v any) bool { return !sub(want, v) })
	case "propertyNames":
		for k := range o {
			if !sub(want, k) {
				return false
			}
		}
		return true
	case "properties":
		for k, v := range want.(map[string]any) {
			if at, ok := o[k]; ok && !sub(v, at) {
				return false
			}
		}
		return true
	case "additionalProperties":
		named, _ := schema["properties"].(map[string]any)
		for k, v := range o {
			if _, ok := named[k]; ok {
				continue
			}
			if want == false || want != true && !sub(want, v) {
				return false
			}
		}
		return true
	case "dependentRequired":
		for k, others := range want.(map[string]any) {
			for _, other := range others.([]any) {
				_, has := o[k]
				if _, there := o[other.(string)]; has && !there {
					return false
				}
			}
		}
		return true
	}
	t.Fatalf("the schema uses %q, which this test does not know", keyword)
	return false
}
