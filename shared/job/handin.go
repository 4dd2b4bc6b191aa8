package job

import "time"

// Stem is what has been handed in under one name and what became of it.
type Stem struct {
	Name  Name  `json:"name"`
	Rev   int64 `json:"rev"`
	Image *Half `json:"image,omitempty"`
	Audio *Half `json:"audio,omitempty"`
	// Sidecar is the document with the hand-in's options.
	Sidecar *Half `json:"sidecar,omitempty"`
	// First is when the first file came, Last when the latest did: settling
	// runs from Last.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Job is the newest job of this name; it owns the plain result key.
	Job string `json:"job,omitempty"`
	// Made says of which files, with which options, Job was made.
	Made string `json:"made,omitempty"`
	// Row is the row of a manifest that Job is; nil when it was made of files of this name.
	Row *Claim `json:"row,omitempty"`
	// Shared tells that Job was made with the folder's portrait.
	Shared bool `json:"shared,omitempty"`
	// Told is set once the missing half has been told.
	Told bool      `json:"told,omitempty"`
	Due  time.Time `json:"-"`
}

// Claim is a row of a manifest that has made the job of its name.
type Claim struct {
	// Manifest is the id of the manifest's record, Since which version of it: see
	// Manifest.Since.
	Manifest string    `json:"manifest"`
	Since    time.Time `json:"since"`
	// Written is the bucket's time of the manifest, in whole seconds.
	Written time.Time `json:"written"`
}

// OfRow reports whether what counts of the name is a row of a manifest: no file of the
// name is newer than that manifest. Such files make no job, whenever they are heard of,
// and however often.
func (st Stem) OfRow() bool { return st.Row != nil && !st.NewerThan(st.Row.Written) }

// NewerThan reports whether a file of the name was written after that time of the
// bucket's clock, which is in whole seconds.
func (st Stem) NewerThan(t time.Time) bool {
	for _, half := range []*Half{st.Image, st.Audio, st.Sidecar} {
		if half != nil && half.Modified.Truncate(time.Second).After(t) {
			return true
		}
	}
	return false
}

// Half is one file of a stem, as it stands in the inbox.
type Half struct {
	Key      string    `json:"key"`
	ETag     string    `json:"etag"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	// Mark names the options in the object's own metadata, which are Asks while the
	// object is looked at; see MarkOf. Listings tell of neither.
	Mark string `json:"mark,omitempty"`
	Asks string `json:"-"`
}

// Newer reports whether h counts instead of old: always for another state of
// the same key, by time between two files of one stem, and by key when they came
// in the same second.
func (h Half) Newer(old *Half) bool {
	switch {
	case old == nil:
		return true
	case h.Key == old.Key:
		return h.ETag != old.ETag || h.Mark != old.Mark
	case !h.Modified.Equal(old.Modified):
		return h.Modified.After(old.Modified)
	}
	return h.Key > old.Key
}

// Sweep is how far the search for hand-ins whose event never came has got.
type Sweep struct {
	Rev int64 `json:"rev"`
	// After is the key the present round has got to; empty between rounds.
	After string `json:"after,omitempty"`
	// Started is when the present or last round began; Since is from when on
	// files concern it.
	Started time.Time `json:"started,omitzero"`
	Since   time.Time `json:"since,omitzero"`
	// Open is the time of the oldest file that the present or last round found and
	// nobody had taken in by then: the next one looks back to it.
	Open time.Time `json:"open,omitzero"`
	Due  time.Time `json:"-"`
}

// Folder is what is shared by the recordings of one folder.
type Folder struct {
	Dir string `json:"dir,omitempty"`
	Rev int64  `json:"rev"`
	// Portrait serves every recording of the folder that has no picture of its
	// own; nil when there is none. Facts are filled in once it has been read.
	Portrait *Half  `json:"portrait,omitempty"`
	Facts    *Input `json:"facts,omitempty"`
	// After is where handing the portrait to waiting recordings has got to: a
	// key of the inbox; Due drives it on.
	After string    `json:"after,omitempty"`
	Due   time.Time `json:"-"`
}
