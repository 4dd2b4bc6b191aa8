package job

import "time"

// Ratio is the shape of the film. The zero value leaves the choice to the
// stack's default.
type Ratio string

// The ratios. Auto is ours: it picks by the portrait's own shape.
const (
	Square   Ratio = "1:1" // head, 512×512
	Portrait Ratio = "3:4" // half body, 512×704
	Auto     Ratio = "auto"
)

// Style is how lively the person moves. The zero value leaves the choice to
// the stack's default.
type Style string

// The styles of emo-v1.
const (
	Normal Style = "normal"
	Calm   Style = "calm"
	Active Style = "active"
)

// Profile is all that differs between one model of the vendor and a sibling:
// names, limits, prices and clocks, as data.
type Profile struct {
	// Model and DetectModel are the vendor's names.
	Model, DetectModel string

	// Sides of the picture in pixels as shown, both inclusive.
	MinSide, MaxSide int
	// Largest sizes in bytes, inclusive.
	MaxImageBytes, MaxAudioBytes int64
	// MaxAudio is the longest recording, inclusive.
	MaxAudio time.Duration

	// PricePerSecond of film, by ratio, and PricePerDetect of one detect call.
	PricePerSecond map[Ratio]Money
	PricePerDetect Money
	// PricesAsOf is when those prices stood where PricesFrom, an address, has them.
	PricesAsOf, PricesFrom string

	// WorkPerSecond is the vendor's work for one second of film until it has
	// been measured; what is learned is kept between WorkMin and WorkMax.
	WorkPerSecond, WorkMin, WorkMax time.Duration

	// IDLife is how long a task id answers, from its creation; LinkLife how
	// long a film's link works, from success; ServerTimeout how long the vendor
	// keeps trying.
	IDLife, LinkLife, ServerTimeout time.Duration

	// CreateEvery and DetectEvery are the least times between two calls of the whole
	// stack: a quarter longer than the vendor's limits make them.
	CreateEvery, DetectEvery time.Duration

	// Width and Height of the film by ratio.
	Frame map[Ratio][2]int
}

// EMO is the profile of emo-v1.
//
// Sources: https://help.aliyun.com/zh/model-studio/emo-api and
// https://help.aliyun.com/zh/model-studio/emo-detect-api (late 2025).
func EMO() Profile {
	return Profile{
		Model:       "emo-v1",
		DetectModel: "emo-detect-v1",
		MinSide:     400,
		MaxSide:     7000,
		// ASSUMED: no byte limit is published for pictures. Ours only keeps a
		// mistaken upload from being read for minutes.
		MaxImageBytes: 64 << 20,
		// ASSUMED: "15 MB" means 15·2²⁰ bytes and includes the edge, as the
		// refusal's words "is larger than 15MB" say. An older page said
		// "smaller than".
		MaxAudioBytes: 15 << 20,
		// ASSUMED: "60 s" includes the edge, as the refusal's words "is longer
		// than 60s" say.
		MaxAudio: 60 * time.Second,
		PricePerSecond: map[Ratio]Money{
			Square:   80_000,  // CNY 0.08
			Portrait: 160_000, // CNY 0.16
		},
		PricePerDetect: 4_000, // CNY 0.004
		PricesAsOf:     "2025-Q4",
		PricesFrom:     "https://help.aliyun.com/zh/model-studio/emo-quick-start",
		// The one published example: 118.5 s of work for 13.93 s of film.
		WorkPerSecond: 8500 * time.Millisecond,
		WorkMin:       1 * time.Second,
		WorkMax:       30 * time.Second,
		IDLife:        24 * time.Hour,
		LinkLife:      24 * time.Hour,
		ServerTimeout: 3 * time.Hour,
		// 5 a second of each, https://help.aliyun.com/zh/model-studio/rate-limit (2025).
		CreateEvery: 250 * time.Millisecond,
		DetectEvery: 250 * time.Millisecond,
		Frame: map[Ratio][2]int{
			Square:   {512, 512},
			Portrait: {512, 704},
		},
	}
}

// Price of that many seconds of film.
func (p Profile) Price(r Ratio, seconds float64) Money {
	return p.PricePerSecond[r].times(seconds)
}

// RatioOf is the ratio of a film that is asked for so of a picture of that size, where
// the stack has one for those that ask for none. The part of a picture that is given is
// of one ratio, whatever the stack's is.
func (p Profile) RatioOf(o Options, stack Ratio, width, height int) Ratio {
	if o.Ext != (Box{}) {
		return o.Ext.Shape()
	}
	if o.Ratio != "" {
		stack = o.Ratio
	}
	return p.Resolve(stack, width, height)
}

// Resolve settles Auto by the portrait's shape: pictures at least a quarter
// higher than wide show more than a head.
func (p Profile) Resolve(r Ratio, width, height int) Ratio {
	if r != Auto {
		return r
	}
	if 4*height >= 5*width {
		return Portrait
	}
	return Square
}
