package emo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// The operations a fault can strike. opWork is the work on a task itself, opInput the service's own download of one
// input from a link (not from its own storage), opResult the download of a film, opPush the event that tells of its end.
const (
	opCreate = "create"
	opDetect = "detect"
	opQuery  = "query"
	opList   = "list"
	opCancel = "cancel"
	opPolicy = "policy"
	opUpload = "upload"
	opResult = "result"
	opWork   = "work"
	opInput  = "input"
	opPush   = "push"
)

// Rule is one scripted fault.
type Rule struct {
	ID    int    // given by the server; 0 in a rule not yet added
	Op    string // create, detect, query, list, cancel, policy, upload, result, work, input or push; empty: the kind's own
	Match string // part of an input's link (without its query) or of the task id; empty: everything
	After int    // matching calls to let pass first
	Count int    // times to strike after that; zero: for ever
	Kind  string // see Kinds

	Status  int    // with kinds status, status_after, reject and fail_task: which documented error; zero: the code's own
	Code    string // likewise; empty: a fitting default
	Message string // likewise; empty: the documented one. With result_redirect: where to

	Delay      time.Duration // before anything else happens; with op work: more working time
	RetryAfter time.Duration // of a Retry-After header, in whole seconds; zero: none
	Bytes      int64         // with result_huge: how many; zero: 256 MiB
}

// Kind is one kind of fault. The first of Ops is where it strikes unless a rule says otherwise.
type Kind struct {
	Name string   `json:"kind"`
	Ops  []string `json:"ops"`
	Does string   `json:"does"`
}

var (
	apiOps  = []string{opCreate, opDetect, opQuery, opList, opCancel, opPolicy}
	anyOps  = append(slices.Clone(apiOps), opUpload, opResult)
	kindSet = []Kind{
		{"status", anyOps, "a documented error, chosen by Code, Status and Message (InternalError without); nothing is done"},
		{"status_after", apiOps, "the same, but the call was carried out: a create made its task"},
		{"throttle", anyOps, "429 Throttling.RateQuota; nothing is done"},
		{"delay", append(slices.Clone(anyOps), opWork, opInput), "nothing but Delay"},
		{"timeout_before", anyOps, "nothing is done and no answer ever comes"},
		{"timeout_after", apiOps, "the call is carried out, but its answer never comes"},
		{"drop_before", anyOps, "nothing is done and the connection breaks"},
		{"drop_after", apiOps, "the call is carried out and the connection breaks"},
		{"html", anyOps, "nothing is done; an HTML error page with 502"},
		{"html_after", apiOps, "the call is carried out; an HTML error page with 502"},
		{"empty", apiOps, "the call is carried out; 200 with an empty body"},
		{"truncated_json", apiOps, "the call is carried out; half of its answer"},
		{"no_task_id", []string{opCreate}, "the task is made; its answer lacks the task_id"},
		{"lose_task", []string{opCreate}, "accepted as usual, then the service forgets the task: UNKNOWN, in no list, never billed"},
		{"unknown_status", []string{opQuery}, "a task_status that is in no document (SUSPENDED)"},
		{"unknown_task", []string{opQuery}, "UNKNOWN, as for an id that the service does not know"},
		{"status_backwards", []string{opQuery}, "PENDING, whatever the task had come to"},
		{"succeeded_without_url", []string{opQuery}, "a SUCCEEDED task without its link"},
		{"results_as_list", []string{opQuery}, "results is a list of {url}, as image models have it"},
		{"url_at_output", []string{opQuery}, "the link stands in output.video_url, as other video models have it"},
		{"no_milliseconds", []string{opQuery}, "times without a fraction"},
		{"reject", []string{opDetect}, "the portrait is refused with Code (InvalidFile.FacePose without), billed like any check"},
		{"fail_task", []string{opWork}, "the task FAILS with Code (InternalError.Algo without), unbilled"},
		{"stuck", []string{opWork}, "the task runs until the server's own time limit"},
		{"wrong_length", []string{opWork}, "a film, and a bill, of half the recording's length"},
		{"wrong_ratio", []string{opWork}, "a film, and a bill, of the other ratio"},
		{"unreachable", []string{opInput}, "the service cannot download the input from where its link leads"},
		{"result_truncated", []string{opResult}, "the full Content-Length, half of the film, then the connection breaks"},
		{"result_slow", []string{opResult}, "the film in pieces of 1 KiB, Delay (1 s without) between them"},
		{"result_403", []string{opResult}, "403 AccessDenied, as for a link that ended"},
		{"result_html", []string{opResult}, "200 with an HTML page"},
		{"result_redirect", []string{opResult}, "302 to Message (http://169.254.169.254/latest/meta-data/ without)"},
		{"result_huge", []string{opResult}, "Bytes of film without a Content-Length"},
		{"push_late", []string{opPush}, "the event is pushed Delay (30 s without) later than usual"},
		{"push_twice", []string{opPush}, "the event is pushed again, Delay (1 s without) after it was"},
		{"push_never", []string{opPush}, "the event is lost"},
		{"push_forged", []string{opPush}, "one bit of the signature is wrong"},
		{"push_stale", []string{opPush}, "signed ten minutes ago"},
		{"push_newline", []string{opPush}, "signed with the end of a line behind the body, as the vendor's reference code does"},
		{"push_foreign", []string{opPush}, "an event of a task that is not ours is pushed before it"},
	}
)

// Kinds lists every kind of fault.
func Kinds() []Kind { return slices.Clone(kindSet) }

func kindNamed(name string) (Kind, bool) {
	i := slices.IndexFunc(kindSet, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kindSet[i], true
}

// op is where the rule strikes.
func (r Rule) op() string {
	if r.Op != "" {
		return r.Op
	}
	k, _ := kindNamed(r.Kind)
	return k.Ops[0]
}

// problem is the error the rule answers with.
func (r Rule) problem(fallback Problem) Problem {
	if r.Code == "" && r.Status == 0 {
		fallback.Message = orDefault(r.Message, fallback.Message)
		return fallback
	}
	if r.Code == "" {
		i := slices.IndexFunc(Problems(), func(p Problem) bool { return p.Status == r.Status })
		if i < 0 {
			return Problem{Status: r.Status, Code: "InternalError", Message: orDefault(r.Message, errInternal.Message)}
		}
		return problemFor(r.Status, Problems()[i].Code, r.Message)
	}
	return problemFor(r.Status, r.Code, r.Message)
}

func (r Rule) validate() error {
	k, known := kindNamed(r.Kind)
	if !known {
		return fmt.Errorf("no fault kind %q", r.Kind)
	}
	var errs []error
	if r.Op != "" && !slices.Contains(k.Ops, r.Op) {
		errs = append(errs, fmt.Errorf("kind %s does not apply to op %q (only to %s)", r.Kind, r.Op, strings.Join(k.Ops, ", ")))
	}
	if r.After < 0 || r.Count < 0 || r.Delay < 0 || r.RetryAfter < 0 || r.Bytes < 0 {
		errs = append(errs, errors.New("a number is negative"))
	}
	if r.Status != 0 && (r.Status < 400 || r.Status > 599) {
		errs = append(errs, fmt.Errorf("status %d is no error", r.Status))
	}
	return errors.Join(errs...)
}

func validateRate(name string, rate float64) error {
	op, kind, has := strings.Cut(name, ":")
	if !has {
		op, kind = "", name
	}
	if math.IsNaN(rate) || rate < 0 || rate > 1 {
		return fmt.Errorf("%s: %g is no probability", name, rate)
	}
	return Rule{Op: op, Kind: kind}.validate()
}

// ruleJSON is a Rule as files and the admin path spell it.
type ruleJSON struct {
	ID         int    `json:"id,omitempty"`
	Op         string `json:"op,omitempty"`
	Match      string `json:"match,omitempty"`
	After      int    `json:"after,omitempty"`
	Count      int    `json:"count,omitempty"`
	Kind       string `json:"kind"`
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	Delay      string `json:"delay,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"`
	Bytes      int64  `json:"bytes,omitempty"`
}

// MarshalJSON writes durations as "1.5s".
func (r Rule) MarshalJSON() ([]byte, error) {
	j := ruleJSON{r.ID, r.Op, r.Match, r.After, r.Count, r.Kind, r.Status, r.Code, r.Message, "", "", r.Bytes}
	if r.Delay != 0 {
		j.Delay = r.Delay.String()
	}
	if r.RetryAfter != 0 {
		j.RetryAfter = r.RetryAfter.String()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads durations as "1.5s"; an unknown field is an error.
func (r *Rule) UnmarshalJSON(data []byte) error {
	var j ruleJSON
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return err
	}
	*r = Rule{ID: j.ID, Op: j.Op, Match: j.Match, After: j.After, Count: j.Count, Kind: j.Kind, Status: j.Status, Code: j.Code, Message: j.Message, Bytes: j.Bytes}
	var err1, err2 error
	if j.Delay != "" {
		r.Delay, err1 = time.ParseDuration(j.Delay)
	}
	if j.RetryAfter != "" {
		r.RetryAfter, err2 = time.ParseDuration(j.RetryAfter)
	}
	return errors.Join(err1, err2)
}

// ReadRules reads a JSON array of rules, as --faults takes it, of at most 1 MiB; the error lists every wrong rule.
func ReadRules(r io.Reader) ([]Rule, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read fault rules: %w", err)
	}
	if len(data) > maxBody {
		return nil, errors.New("fault rules are larger than 1 MiB")
	}
	var rules []Rule
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("read fault rules: %w", err)
	}
	var errs []error
	for i, rule := range rules {
		if err := rule.validate(); err != nil {
			errs = append(errs, fmt.Errorf("rule %d: %w", i, err))
		}
	}
	return rules, errors.Join(errs...)
}
