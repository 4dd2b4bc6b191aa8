package store

import "context"

// What the contract looks at behind the rules: raw records, as a newer version of
// this code, or a person with the console, may have written them.

// RawOf reads a record as it is kept; nil when there is none.
func RawOf(ctx context.Context, s *Store, key string) (map[string]any, error) {
	it, err := s.t.get(ctx, key)
	return it, err
}

// SetRaw writes one attribute of a record, at a path.
func SetRaw(ctx context.Context, s *Store, key string, val any, at ...string) error {
	return s.t.write(ctx, write{key: key, set: []assign{{at, val}}})
}

// Keys and attributes by name.
var (
	JobKey     = jobKey
	MessageKey = messageKey
	FaceKey    = faceKey
	LeaseKey   = leaseKey
	StemKey    = stemKey
	TaskKey    = taskKey
	FolderKey  = folderKey
	StrayKey   = strayKey
	LabelsKey  = labelsKey
	ControlKey = controlKey
	AppendJSON = appendJSON
)

const (
	GateKey       = gateKey
	SweepKey      = sweepKey
	TTL           = ttlAttr
	Mark          = writeAttr
	TransactTries = transactTries
)

// Busy is what a write comes to that met other transactions too often.
var Busy = errBusy
