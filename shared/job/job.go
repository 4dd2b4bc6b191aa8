package job

import "time"

// Schema is the version of the records this code writes. Records of older
// versions are read; fields that a newer version added survive our writes.
const Schema = 2

// Job is one hand-in on its way to a film. The zero value is no job.
type Job struct {
	ID     string `json:"id"`
	Schema int    `json:"schema"`
	State  State  `json:"state"`
	// Rev grows with every write; together with State and Attempt it is what a
	// conditional write is conditional on.
	Rev int64 `json:"rev"`
	// Told is the revision at which the job last entered a state that is told.
	Told int64 `json:"told,omitempty"`
	// Attempt counts from 1. It grows when a task of the vendor ended without a
	// film and the job goes again, and on a retry; never on mere waiting.
	Attempt int `json:"attempt"`
	// Posts counts intents: staged copies of one intent are never those of
	// another, so taking them back takes nothing from a later one.
	Posts int `json:"posts,omitempty"`

	Name    Name    `json:"name"`
	Image   Input   `json:"image"`
	Audio   Input   `json:"audio"`
	Options Options `json:"options,omitzero"`
	// Labels names what is only carried along: the metadata and tags, which have a
	// record of their own; see Labels.
	Labels string `json:"labels,omitempty"`
	// Row is where in which manifest the hand-in stands; see RowRef. Empty for drops.
	Row string `json:"row,omitempty"`

	Received time.Time `json:"received"`
	Updated  time.Time `json:"updated"`
	Ended    time.Time `json:"ended,omitzero"`

	// Due is when something has to happen even if nothing else makes it happen;
	// zero for jobs that wait in the queue or have ended.
	Due time.Time `json:"-"`
	// Rank is the job's place in the queue, ordered as text and fixed when it is
	// queued; another priority, or a new beginning, gives it another. Kept while the job
	// is elsewhere.
	Rank string `json:"place,omitempty"`

	// Style and Ratio are what the film is made with: the options', or the
	// stack's defaults at the time the job was queued.
	Style Style `json:"style,omitempty"`
	Ratio Ratio `json:"ratio,omitempty"`

	// Face is what detect found, until the vendor has made a film with it.
	Face   Face    `json:"face,omitzero"`
	Intent *Intent `json:"intent,omitempty"`
	Task   *Task   `json:"task,omitempty"`
	Result *Result `json:"result,omitempty"`
	Film   *Film   `json:"film,omitempty"`
	Fault  *Fault  `json:"fault,omitempty"`

	// Quoted is the price expected when the job was queued, Billed what the
	// vendor charged for the film, Wasted what was charged and brought nothing.
	Quoted Money `json:"quoted,omitempty"`
	Billed Money `json:"billed,omitempty"`
	Wasted Money `json:"wasted,omitempty"`

	// Doubt is what the budget counts while a job is HELD whose task may have been
	// charged.
	Doubt Doubt `json:"doubt,omitzero"`

	// Via is TransferTemp when the inputs of the last intent went to the vendor's own
	// storage, or those of the next one have to; else empty.
	Via Transfer `json:"via,omitempty"`
	// Tries counts failures of the present step in a row; a move resets it.
	Tries int `json:"tries,omitempty"`
	// Refusals counts clear refusals of the create call that may pass, over all
	// the job's posts; a new attempt resets it.
	Refusals int `json:"refusals,omitempty"`
	// Silent counts create calls in a row that nobody had an answer to and that made no
	// task in time; a task with its inputs, or a new attempt, resets it.
	Silent int `json:"silent,omitempty"`
	// Busy is until when one invocation of finalize has the film to itself; zero
	// when none has.
	Busy time.Time `json:"busy,omitzero"`
	// Series is the attempt that the present series began after: only those since
	// count against the limit of attempts.
	Series int `json:"series,omitempty"`
	// Retried is when a person last had the job made again; zero: never.
	Retried time.Time `json:"retried,omitzero"`
	// Accepted says that a person took the film although it did not fit.
	Accepted bool `json:"accepted,omitempty"`
	// Candidates are the vendor's tasks that could be this job's, when HELD.
	Candidates []string `json:"candidates,omitempty"`
}

// Input is a file as it was handed in and found to be.
type Input struct {
	Key  string `json:"key"`
	ETag string `json:"etag"`
	// Size in bytes.
	Size int64 `json:"size"`
	// SHA256 in hex; of the content, or of what is known of a file that was too
	// large to be read.
	SHA256 string `json:"sha256"`
	// Format as media names it: jpeg, png, bmp, webp, wav, mp3.
	Format string `json:"format,omitempty"`
	// Width and Height in pixels as shown; pictures only.
	Width  int `json:"w,omitempty"`
	Height int `json:"h,omitempty"`
	// Seconds of sound; recordings only.
	Seconds float64 `json:"s,omitempty"`
}

// Intent is written before the create call and says that it may have happened.
type Intent struct {
	// Fence never repeats within a stack.
	Fence int64 `json:"fence"`
	// At is our clock, VendorAt the vendor's, just before the call. A task of
	// this intent was created after VendorAt.
	At       time.Time `json:"at"`
	VendorAt time.Time `json:"vendor_at"`
	// Until is the end of the posting lease: no create of this intent starts
	// after it.
	Until time.Time `json:"until"`
	// BaseURL and Model of the call.
	BaseURL string `json:"base_url"`
	Model   string `json:"model"`
	// Staged are the keys of the inputs' copies in the outbox; empty when they went to
	// the vendor's own storage, from which nothing can be taken back.
	StagedImage string `json:"staged_image,omitempty"`
	StagedAudio string `json:"staged_audio,omitempty"`
	// URLsEnd is when the inputs' links die.
	URLsEnd time.Time `json:"urls_end"`
	// RequestID is the vendor's id of the call, when an answer that said nothing of a
	// task said at least that. The vendor's list shows it beside the task.
	RequestID string `json:"request_id,omitempty"`
	// Revoked is when the staged inputs were taken back because the call's
	// outcome was unknown; zero while they stand.
	Revoked time.Time `json:"revoked,omitzero"`
}

// Task is the vendor's task of this attempt.
type Task struct {
	ID string `json:"id"`
	// RequestID is the vendor's id of the create call, until the task has succeeded;
	// the record of the task's owner keeps it.
	RequestID string     `json:"request_id,omitempty"`
	BaseURL   string     `json:"base_url"`
	Status    TaskStatus `json:"status"`
	// Submitted is our clock when the task was recorded; all that has to end
	// ends by it.
	Submitted time.Time `json:"submitted"`
	// Created is the vendor's clock, until the task has succeeded.
	Created time.Time `json:"created,omitzero"`
	// Started and Ended are the vendor's own words, for people.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Adopted tells a task found in the vendor's list from one whose create
	// call we saw answered.
	Adopted bool `json:"adopted,omitempty"`
	// Missing counts looks in a row at which the vendor did not know the task.
	Missing int `json:"missing,omitempty"`
}

// Result is the vendor's answer for a finished task.
type Result struct {
	URL Secret `json:"url,omitempty"`
	// URLEnds is when the link can die at the earliest, by our clock: it is reckoned
	// from the making of the task, and the film came later.
	URLEnds time.Time `json:"url_ends,omitzero"`
	// Seconds as billed, Ratio as billed.
	Seconds float64 `json:"seconds"`
	Ratio   Ratio   `json:"ratio"`
}

// Film is the finished video in the outbox.
type Film struct {
	Key     string  `json:"key"`
	ETag    string  `json:"etag,omitempty"`
	SHA256  string  `json:"sha256"`
	Size    int64   `json:"size"`
	Seconds float64 `json:"seconds"`
	Width   int     `json:"w"`
	Height  int     `json:"h"`
}

// Fault says why a job did not, or does not yet, go on.
type Fault struct {
	// Code is ours, stable, and has a text in every language: see package
	// words.
	Code string `json:"code"`
	// Detail is a fact for the text, such as "399×620 px".
	Detail string `json:"detail,omitempty"`
	// File is the key of the file at fault, when it is one file.
	File string `json:"file,omitempty"`
	// VendorCode, VendorMessage and RequestID are the vendor's own.
	VendorCode    string `json:"vendor_code,omitempty"`
	VendorMessage string `json:"vendor_message,omitempty"`
	RequestID     string `json:"request_id,omitempty"`
}

// FaultOf makes a fault of a verdict.
func FaultOf(code string, v Verdict) *Fault {
	return &Fault{Code: code, VendorCode: v.Code, VendorMessage: v.Message, RequestID: v.RequestID}
}

// Unread reports whether a file of the job was never read, as it was not there or could
// not be read when a manifest named it: of such a job nothing but its refusal is known.
func (j Job) Unread() bool {
	return j.Image.Key != "" && j.Image.ETag == "" || j.Audio.Key != "" && j.Audio.ETag == ""
}

// Seconds is the length of the film: as billed when that is known, else the
// length of the recording.
func (j Job) Seconds() float64 {
	if j.Result != nil && j.Result.Seconds > 0 {
		return j.Result.Seconds
	}
	return j.Audio.Seconds
}
