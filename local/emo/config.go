package emo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config is everything a [Server] needs to know. Only BaseURL must be set.
type Config struct {
	// APIKeys maps each accepted key to its api_key_id. All keys belong to one account: they share limits, queue and
	// tasks, as the keys of one Alibaba Cloud account do. Empty: {"sk-emodrop-local": "100001"}.
	APIKeys map[string]string
	// BaseURL is the public prefix under which Handler can be reached, for result links and the upload host, such as
	// http://127.0.0.1:4650/dashscope. Whoever mounts Handler there strips the prefix's path.
	BaseURL string

	// Models and DetectModels are the names accepted beside emo-v1 and emo-detect-v1: dedicated deployments.
	Models, DetectModels []string

	Slots         int           // tasks worked on at a time; zero: 1
	WorkPerSecond time.Duration // work per second of film; zero: 8.5 s
	Speed         float64       // divides the working time, and nothing else; 0.001 to a million, zero: 1

	IDLife        time.Duration // after it a task id is UNKNOWN; zero: 24 h
	URLLife       time.Duration // of a result link, from success; zero: 24 h
	ServerTimeout time.Duration // from submission to InternalError.Timeout; zero: 3 h
	UploadLife    time.Duration // of an oss:// object; zero: 48 h
	PolicyLife    time.Duration // of an upload policy; zero: 300 s
	UploadMB      int           // largest upload; zero: 100, as in the documents' sample policy

	// Calls accepted within any one second; zero: 5, 5, 20, 100; negative: no limit. TaskQPS holds for query, list and
	// cancel separately, PolicyQPS for each model separately.
	SubmitQPS, DetectQPS, TaskQPS, PolicyQPS int

	ListLag time.Duration // a new task shows in the list only after this; zero: at once
	// ClockOffset is how far the service's clock is ahead of this machine's; negative: behind. Everything the service
	// says of a time is in its own clock, and so are the bounds of a list.
	ClockOffset time.Duration

	// CheckAtCreate fetches and checks the inputs during the create call too and refuses it, where by default only the
	// task fails once it runs. The documents show one case of each kind.
	CheckAtCreate bool
	DetectRejects RejectForm // how detect refuses a portrait; zero: RejectInOutput

	Push Push // where completion events go; zero: nowhere

	Inputs       http.RoundTripper // downloads inputs; nil: a clone of http.DefaultTransport
	InputTimeout time.Duration     // for one input; zero: 60 s
	Faces        FaceFinder        // nil: each picture has one face in its upper middle, sizes read from its header
	Films        FilmMaker         // nil: a still grey film of a kilobyte or two with the right duration and track size

	Faults     []Rule             // scripted faults, first match wins
	Seed       uint64             // decides, with FaultRates, which calls go wrong
	FaultRates map[string]float64 // fault kind, or "op:kind", to its probability for each call it can apply to

	// StateFile, when set, carries tasks, ledger, uploads and films' metadata over a restart. It holds the inputs'
	// links, which are credentials, and is written for its owner only.
	StateFile string
	Dir       string // where films and uploads are kept; empty: memory

	// Random is where ids, names and the signing secret come from; nil: crypto/rand. One that repeats itself makes a run
	// that repeats itself. It is read by one call at a time.
	Random io.Reader

	// HistoryLen is how many calls History keeps, the newest; zero: 100,000.
	HistoryLen int
	// OnFinish, when set, is told of every task that ended, SUCCEEDED or FAILED or CANCELED, after the fact, on a
	// goroutine that owns nothing. It must return soon.
	OnFinish func(Finished)

	Log *slog.Logger // nil: nothing is logged
}

// RejectForm is a way in which the detect call tells that a portrait cannot be used. The documents show the first, a
// developer of a sibling model measured the second, a client of emo-detect-v1 parses the third.
type RejectForm int

// The forms of a rejection.
const (
	RejectInOutput  RejectForm = iota // HTTP 200, check_pass false, code and message inside output; billed
	RejectTopLevel                    // HTTP 400, code and message at the top level; not billed
	RejectNested400                   // HTTP 400, code and message inside output; not billed
)

// FaceFinder finds faces. Find may be called concurrently; an error means that the picture cannot be read.
type FaceFinder interface {
	Find(ctx context.Context, picture []byte) (Finding, error)
}

// Finding is what a FaceFinder saw: the picture's size in pixels, every face, and its mean luma from 0 (black) to 255
// (white).
type Finding struct {
	Width, Height int
	Faces         []image.Rectangle
	Brightness    float64
}

// FilmMaker makes the film of a task. Make may be called concurrently, one call for each slot.
type FilmMaker interface {
	Make(ctx context.Context, w io.Writer, f Film) (FilmInfo, error)
}

// Film is what a film is made from. The boxes are the create call's, x1, y1, x2, y2 in pixels of the picture as shown:
// FaceBox is where the face is, ExtBox what is filmed. Ratio is "1:1" or "3:4".
type Film struct {
	Picture []byte
	FaceBox [4]int
	ExtBox  [4]int
	Audio   []byte
	Ratio   string
}

// FilmInfo describes a film that was made. Duration is what is billed.
type FilmInfo struct {
	Duration      time.Duration `json:"duration"`
	Width, Height int
	Size          int64 // bytes
}

// Finished is a task that ended, with what a completion event of the vendor carries.
type Finished struct {
	TaskID, RequestID, APIKeyID, Status, Model string
	Submitted, Scheduled, Ended                time.Time // Scheduled is zero when the task never ran
}

// Limits of the model. What "15 MB" means exactly is ASSUMED; the sides are https://help.aliyun.com/zh/model-studio/emo-api.
const (
	maxAudioBytes = 15 << 20
	maxAudio      = 60 * time.Second
	maxImageBytes = 100 << 20 // no limit is documented; this one bounds our memory
	minSide       = 400
	maxSide       = 7000
	maxBody       = 1 << 20 // bytes of a JSON request
	darkest       = 20      // mean luma below which a portrait is too dark; ASSUMED
)

const (
	modelFilm   = "emo-v1"
	modelDetect = "emo-detect-v1"
	region      = "cn-beijing"
)

// cst is the zone of every time string the service prints (UTC+8, written without offset).
var cst = time.FixedZone("UTC+8", 8*60*60)

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// withDefaults returns the configuration with its zero fields filled in, or every wrong field at once.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	u, err := url.Parse(c.BaseURL)
	wrong(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "",
		"BaseURL %q is no http or https prefix", c.BaseURL)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	for key, id := range c.APIKeys {
		wrong(key == "" || id == "", "APIKeys: a key or its id is empty")
	}
	if len(c.APIKeys) == 0 {
		c.APIKeys = map[string]string{"sk-emodrop-local": "100001"}
	}
	wrong(c.Slots < 0, "Slots is %d", c.Slots)
	wrong(c.UploadMB < 0, "UploadMB is %d", c.UploadMB)
	wrong(c.Speed != 0 && !(c.Speed >= 1e-3 && c.Speed <= 1e6), "Speed is %g", c.Speed) // NaN is wrong, too
	wrong(c.HistoryLen < 0, "HistoryLen is %d", c.HistoryLen)
	wrong(c.DetectRejects < RejectInOutput || c.DetectRejects > RejectNested400, "DetectRejects is %d", c.DetectRejects)
	for name, d := range map[string]time.Duration{
		"WorkPerSecond": c.WorkPerSecond, "IDLife": c.IDLife, "URLLife": c.URLLife, "ServerTimeout": c.ServerTimeout,
		"UploadLife": c.UploadLife, "PolicyLife": c.PolicyLife, "ListLag": c.ListLag, "InputTimeout": c.InputTimeout,
	} {
		wrong(d < 0, "%s is %s", name, d)
	}
	wrong(c.StateFile != "" && c.Dir == "", "StateFile is set but Dir is not: films would not survive")
	for i, r := range c.Faults {
		if err := r.validate(); err != nil {
			errs = append(errs, fmt.Errorf("Faults[%d]: %w", i, err))
		}
	}
	for name, rate := range c.FaultRates {
		if err := validateRate(name, rate); err != nil {
			errs = append(errs, fmt.Errorf("FaultRates: %w", err))
		}
	}
	if c.Push, err = c.Push.withDefaults(); err != nil {
		errs = append(errs, err)
	}
	c.Slots = orDefault(c.Slots, 1)
	c.WorkPerSecond = orDefault(c.WorkPerSecond, 8500*time.Millisecond)
	c.Speed = orDefault(c.Speed, 1)
	c.UploadMB = orDefault(c.UploadMB, 100)
	c.IDLife = orDefault(c.IDLife, 24*time.Hour)
	c.URLLife = orDefault(c.URLLife, 24*time.Hour)
	c.ServerTimeout = orDefault(c.ServerTimeout, 3*time.Hour)
	c.UploadLife = orDefault(c.UploadLife, 48*time.Hour)
	c.PolicyLife = orDefault(c.PolicyLife, 300*time.Second)
	c.InputTimeout = orDefault(c.InputTimeout, time.Minute)
	c.SubmitQPS = orDefault(c.SubmitQPS, 5)
	c.DetectQPS = orDefault(c.DetectQPS, 5)
	c.TaskQPS = orDefault(c.TaskQPS, 20)
	c.PolicyQPS = orDefault(c.PolicyQPS, 100)
	c.HistoryLen = orDefault(c.HistoryLen, 100_000)
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Faces == nil {
		c.Faces = headerFaces{}
	}
	if c.Films == nil {
		c.Films = tinyFilms{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}
