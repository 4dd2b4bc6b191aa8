package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// PortionRows is how many rows of a manifest are taken in, and how many results
	// are kept, at a time: what is done again after a death.
	PortionRows = 100
	// resultsEvery is the least time between two writings of a manifest's results, for
	// each thousand rows begun: each is an object as large as all of them.
	resultsEvery = time.Minute
	// maxFormer bounds how many names of refused files are kept: a name has two forms, in
	// whatever letter case.
	maxFormer = 4
)

// Manifest is a file whose rows are hand-ins, and how far it has got. Of two of one
// name, a table of either form, the newer counts.
type Manifest struct {
	Name Name  `json:"name"`
	Rev  int64 `json:"rev"`
	// File is the manifest as it counts; its key is empty before the first.
	File Half `json:"file"`
	// Since is from when on File counts, by our clock: later for each that took the
	// place of another.
	Since time.Time `json:"since,omitzero"`
	// Rows is how many it has, 0 until it has been read and found good; Next is how
	// many of them have become jobs. Refused: none ever will.
	Rows    int  `json:"rows,omitempty"`
	Next    int  `json:"next,omitempty"`
	Refused bool `json:"refused,omitempty"`
	// Former are the names of refused files that this one has taken the place of, whose
	// refusals stand in the outbox until it is told of.
	Former []string `json:"former,omitempty"`
	// Tries counts failures in a row to take rows in, and then to write their results;
	// Deaths the invocations in a row that ended over the rows without a word.
	Tries  int `json:"tries,omitempty"`
	Deaths int `json:"deaths,omitempty"`
	// Taken is set once it has been told that all rows are taken in, Ended while all of
	// them have ended and that has been told; Ends counts how often: a retry begins anew.
	Taken bool `json:"taken,omitempty"`
	Ended bool `json:"ended,omitempty"`
	Ends  int  `json:"ends,omitempty"`
	// Dirty are the portions with a row that has moved since their results were last
	// brought up to date.
	Dirty Marks `json:"dirty,omitempty"`
	// Began is when the rows were all taken in, Looked when the jobs of all open rows
	// were last looked at, Written when the results were last written.
	Began   time.Time `json:"began,omitzero"`
	Looked  time.Time `json:"looked,omitzero"`
	Written time.Time `json:"written,omitzero"`
	// Results is the ETag of the results as they were last written, of whatever version:
	// who writes them writes over these or not at all.
	Results string `json:"results,omitempty"`
	// Lost: what the results are put together from is gone, and they are written no more.
	Lost bool `json:"lost,omitempty"`
	// Closed is since when nothing more is to be done; zero while something is.
	Closed time.Time `json:"closed,omitzero"`
	Due    time.Time `json:"-"`
}

// ManifestID names the manifest of a folder and a name, in the table and in keys.
func ManifestID(n Name) string { return digest([]byte("manifest\x00" + n.Dir + "\x00" + n.Stem)) }

// ID names the manifest's record.
func (m Manifest) ID() string { return ManifestID(m.Name) }

// Version tells one state of the file from another: the same content dropped again is
// another one, as rows may find their files this time.
func (m Manifest) Version() string {
	return digest(fmt.Appendf(nil, "%s %s %d", m.File.Key, m.File.ETag, m.File.Modified.Unix()))[:12]
}

// Replaces says whether a file of the inbox counts instead of the one that m knows. Of one
// key whole seconds count, as for Version: a listing may tell more of them than the
// object itself.
func (m Manifest) Replaces(h Half) bool {
	if m.File.Key == h.Key {
		return m.File.ETag != h.ETag || h.Modified.Unix() > m.File.Modified.Unix()
	}
	return m.File.Key == "" || h.Newer(&m.File)
}

// Anew is the manifest with another file, of which nothing has been done.
func (m Manifest) Anew(file Half, now, due time.Time) Manifest {
	file.Mark, file.Asks = "", ""
	since := now.UTC().Truncate(time.Millisecond)
	if !since.After(m.Since) { // another machine's clock was ahead
		since = m.Since.Add(time.Millisecond)
	}
	next := Manifest{Name: m.Name, Rev: m.Rev, File: file, Since: since, Results: m.Results, Due: due}
	if !m.Taken {
		next.Former = slices.Clone(m.Former)
	}
	if old := m.About().Stem; m.Refused && !slices.Contains(next.Former, old) && len(next.Former) < maxFormer {
		next.Former = append(next.Former, old)
	}
	return next
}

// Claim is what the rows of this version note in the records of their names.
func (m Manifest) Claim() Claim {
	return Claim{Manifest: m.ID(), Since: m.Since, Written: m.File.Modified.Truncate(time.Second)}
}

// Expanded says whether every row has become a job.
func (m Manifest) Expanded() bool { return m.Rows > 0 && m.Next >= m.Rows }

// Portions is how many portions the rows make.
func (m Manifest) Portions() int { return (m.Rows + PortionRows - 1) / PortionRows }

// Every is the least time between two writings of the results: a minute, and one more
// for each thousand rows past the first.
func (m Manifest) Every() time.Duration {
	return max(1, time.Duration((m.Rows+999)/1000)) * resultsEvery
}

// RowRef names a portion of a manifest, for the jobs of its rows.
func RowRef(id string, portion int) string { return id + "/" + strconv.Itoa(portion) }

// beside ends a RowRef of a row that only shows the job: newer files of its name made it.
const beside = "+"

// Beside is a RowRef for a job that was made by newer files than the row's: the results
// show it, and it is told as a drop's is.
func Beside(ref string) string { return ref + beside }

// OfRow reports whether a row itself asks for the job that has this RowRef.
func OfRow(ref string) bool { return ref != "" && !strings.HasSuffix(ref, beside) }

// ParseRow takes a RowRef apart; false when it is none.
func ParseRow(ref string) (id string, portion int, ok bool) {
	id, p, found := strings.Cut(strings.TrimSuffix(ref, beside), "/")
	portion, err := strconv.Atoi(p)
	return id, portion, found && err == nil && portion >= 0
}

// Touched is m with a portion of which a row has moved, to be looked at soon; false when
// nothing is to be noted, because everything is to be looked at anyway.
func (m Manifest) Touched(portion int, now time.Time) (Manifest, bool) {
	if !m.Expanded() || m.Lost || portion >= m.Portions() {
		return m, false
	}
	next := m
	next.Dirty = m.Dirty.Set(portion)
	soon := m.Written.Add(m.Every())
	if soon.Before(now) {
		soon = now
	}
	if next.Due.IsZero() || next.Due.After(soon) {
		next.Due = soon
	}
	next.Closed = time.Time{}
	return next, true
}

// RowFault is what is wrong with one line of a manifest.
type RowFault struct {
	// Line counts from 1; 0 is the file as a whole.
	Line int `json:"line,omitempty"`
	// Text is what is wrong where, in English: "ratio: has to be one of …".
	Text string `json:"text"`
}

// BatchPhase is what a message says of a manifest.
type BatchPhase string

// The phases.
const (
	BatchRefused  BatchPhase = "refused"
	BatchTaken    BatchPhase = "taken"
	BatchFinished BatchPhase = "finished"
)

// BatchNews is what a message says of a manifest as a whole. The message's money is that
// of all rows.
type BatchNews struct {
	Phase BatchPhase `json:"phase"`
	// Manifest is its record's name, Version the state of the file.
	Manifest string `json:"manifest"`
	Version  string `json:"version"`
	Rows     int    `json:"rows,omitempty"`
	// Made are films, Checked dry runs, NotMade the rows that ended otherwise; the
	// rest is open.
	Made    int `json:"made,omitempty"`
	Checked int `json:"checked,omitempty"`
	NotMade int `json:"not_made,omitempty"`
	// Unpriced are the open rows whose price is not known yet.
	Unpriced int    `json:"unpriced,omitempty"`
	Results  string `json:"results,omitempty"`
	// Faults are the first of the lines that are wrong, More how many others are, and
	// FaultsFile the key of an object that lists them, when there are others.
	Faults     []RowFault `json:"faults,omitempty"`
	More       int        `json:"more,omitempty"`
	FaultsFile string     `json:"faults_file,omitempty"`
}

// About is the name under which a manifest itself is told of: its file's own.
func (m Manifest) About() Name {
	return Name{Dir: m.Name.Dir, Stem: m.File.Key[strings.LastIndexByte(m.File.Key, '/')+1:]}
}

// BatchMessage says how a manifest as a whole stands; about tells it under the file's own
// name.
func BatchMessage(m Manifest, b BatchNews, at time.Time) Message {
	b.Manifest, b.Version = m.ID(), m.Version()
	id := fmt.Sprintf("manifest-%s-%s-%s", b.Manifest, b.Version, b.Phase)
	if b.Phase == BatchFinished {
		id += "-" + strconv.Itoa(m.Ends+1)
	}
	out := Message{ID: id, Name: m.About(),
		Batch: &b, At: at, Unsent: Channels(), Due: at.Add(senderFirst)}
	if b.Phase == BatchRefused {
		out.Fault = &Fault{Code: CodeManifestRefused, File: m.File.Key}
	}
	return out
}

// Row is a row of a manifest that has become a job.
type Row struct {
	// Number counts rows, Line the file's lines; both from 1.
	Number int    `json:"row"`
	Line   int    `json:"line"`
	Name   string `json:"name"`
	Job    string `json:"job"`
	// Late: the job had left before the row asked for what it now does.
	Late bool `json:"options_too_late,omitempty"`
}
