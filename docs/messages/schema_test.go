package messages

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// schema is docs/message.schema.json, as far as it goes: a keyword that the check below
// does not know fails it.
// Source: https://json-schema.org/draft/2020-12/json-schema-validation
type schema struct {
	ID          string             `json:"$id,omitempty"`
	Dialect     string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Defs        map[string]*schema `json:"$defs,omitempty"`
	Type        string             `json:"type,omitempty"`
	Const       any                `json:"const,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Format      string             `json:"format,omitempty"`
	Minimum     *float64           `json:"minimum,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Others      *schema            `json:"additionalProperties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
}

func published(t *testing.T) *schema {
	t.Helper()
	f, err := os.Open("../message.schema.json")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	var s schema
	require.NoError(t, d.Decode(&s))
	return &s
}

// breaches are where a value is not as the schema says, or says more than it does: the
// schema lets new fields in, but those there are it names.
func (s *schema) breaches(root *schema, at string, v any) (all []string) {
	bad := func(format string, args ...any) { all = append(all, at+": "+fmt.Sprintf(format, args...)) }
	if s.Ref != "" {
		return root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")].breaches(root, at, v)
	}
	if s.Const != nil && s.Const != v {
		bad("is %v, not %v", v, s.Const)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		bad("%v is none of %v", v, s.Enum)
	}
	switch x := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			bad("is an object")
		}
		for _, k := range s.Required {
			if _, ok := x[k]; !ok {
				bad("has no %s", k)
			}
		}
		for k, e := range x {
			of := s.Properties[k]
			if of == nil {
				of = s.Others
			}
			if of == nil {
				bad("the schema says nothing of %s", k)
				continue
			}
			all = append(all, of.breaches(root, at+"."+k, e)...)
		}
	case []any:
		if s.Type != "array" || s.Items == nil {
			bad("is a list")
			break
		}
		for i, e := range x {
			all = append(all, s.Items.breaches(root, fmt.Sprintf("%s[%d]", at, i), e)...)
		}
	case string:
		if s.Type != "string" {
			bad("is text")
		}
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(x) {
			bad("%q does not match %s", x, s.Pattern)
		}
		if _, err := time.Parse(time.RFC3339, x); s.Format == "date-time" && err != nil {
			bad("%q is no time", x)
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || x != math.Trunc(x)) {
			bad("is the number %v", x)
		}
		if s.Minimum != nil && x < *s.Minimum {
			bad("%v is less than %v", x, *s.Minimum)
		}
	case bool:
		if s.Type != "boolean" {
			bad("is %t", x)
		}
	default:
		bad("is %T", v)
	}
	return all
}

func breaches(t *testing.T, s *schema, body []byte) []string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(body, &v))
	return s.breaches(s, "message", v)
}

// everything is a message of every state and code, and of files that are no job.
func everything() []job.Message {
	all := []job.Message{success(), failure(), job.OrphanMessage(base(), "task", 1_114_400, at)}
	for _, code := range job.Codes() {
		all = append(all, notice(code))
		for _, s := range job.States() {
			if !s.Told() {
				continue
			}
			j := base()
			j.State, j.Wasted, j.Fault = s, 800_000, &job.Fault{Code: code, File: "courses/anna.jpg", Detail: "a fact", VendorCode: "X", RequestID: "r"}
			all = append(all, job.OutcomeMessage(j))
		}
	}
	week := job.Manifest{Name: job.Name{Stem: "week"}, File: job.Half{Key: "week.jobs.csv", ETag: "e", Modified: at}}
	refused := job.BatchMessage(week, job.BatchNews{Phase: job.BatchRefused, Faults: []job.RowFault{{Text: "the file has no rows"},
		{Line: 2, Text: "image: is missing"}}, More: 1, FaultsFile: job.FaultsKey(week)}, at)
	finished := job.BatchMessage(week, job.BatchNews{Phase: job.BatchFinished, Rows: 4, Made: 1, Checked: 1, NotMade: 1, Unpriced: 1,
		Results: job.ResultsKey(week.Name)}, at)
	finished.Quoted, finished.Billed, finished.Wasted = 1, 2, 3
	all = append(all, refused, finished)
	large := success()
	large.Labels = "large"
	return append(all, large, reached())
}

func TestWhatIsSentIsAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	s := published(t)
	require.Equal(t, words.SchemaURI, s.ID)
	require.Equal(t, words.Schema, s.Properties["schema"].Const)
	named := map[string]bool{}
	for _, m := range everything() {
		o := told(t, m)
		var e struct{ Data json.RawMessage }
		require.NoError(t, json.Unmarshal(o.post, &e))
		bodies := [][]byte{o.detail, e.Data}
		if o.record != nil {
			bodies = append(bodies, o.record)
		}
		if o.note.ID != "" {
			bodies = append(bodies, []byte(o.note.JSON))
		}
		for _, b := range bodies {
			require.Empty(t, breaches(t, s, b), "%s", b)
			var fields map[string]any
			require.NoError(t, json.Unmarshal(b, &fields))
			for k := range fields {
				named[k] = true
			}
		}
	}
	for k := range s.Properties {
		require.True(t, named[k], "nothing that is sent has %s", k)
	}
	var states []any
	for _, st := range job.States() {
		if st.Told() {
			states = append(states, string(st))
		}
	}
	require.ElementsMatch(t, states, s.Properties["state"].Enum)
}

func TestTheSchemaNoticesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := published(t)
	good := string(told(t, success()).record)
	require.Empty(t, breaches(t, s, []byte(good)))
	for what, c := range map[string][2]string{
		"a later schema":       {`"emodrop/outcome/1"`, `"emodrop/outcome/2"`},
		"an unknown state":     {`"SUCCEEDED",`, `"RUNNING",`},
		"a field of tomorrow":  {`"attempt": 1`, `"attempt": 1, "tomorrow": true`},
		"half an attempt":      {`"attempt": 1`, `"attempt": 1.5`},
		"an attempt in words":  {`"attempt": 1`, `"attempt": "one"`},
		"attempt nought":       {`"attempt": 1`, `"attempt": 0`},
		"a cost as a number":   {`"cost_cny": "1.1144"`, `"cost_cny": 1.1144`},
		"a cost with a sign":   {`"cost_cny": "1.1144"`, `"cost_cny": "¥1.1144"`},
		"no cost":              {`"cost_cny": "1.1144",`, ``},
		"no time":              {`"at": "2026-03-04T05:06:07Z"`, `"at": "yesterday"`},
		"a film without a key": {`"key": "videos/courses/anna.mp4",`, ``},
		"a maybe":              {`"charge": "yes"`, `"charge": "perhaps"`},
		"null":                 {`"charged": true`, `"charged": null`},
		"a list":               {`"charged": true`, `"charged": []`},
		"no Chinese":           {`"zh": {`, `"fr": {`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		require.NotEqual(t, good, bad, what)
		require.NotEmpty(t, breaches(t, s, []byte(bad)), what)
	}
}
