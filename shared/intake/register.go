package intake

import (
	"context"

	"emodrop/shared/job"
)

// Register says which files of the inbox have been taken in, for whoever looks for
// those that have not. Safe for concurrent use.
type Register struct {
	HandIns   HandIns
	Controls  Controls
	Manifests Manifests
}

// Knows reports whether nothing would come of it if a file were handed in as it stands
// in the inbox: it has been noted as it is, counts behind one that has, or is none of
// ours. What a noted file becomes its record's due time drives.
func (r Register) Knows(ctx context.Context, o job.Half) (bool, error) {
	kind, n := Classify(o.Key)
	switch kind {
	case Picture, Recording, Sidecar:
		st, err := r.HandIns.Stem(ctx, n)
		return !newer(o, *partOf(&st, kind)), err
	case Shared:
		f, err := r.HandIns.Folder(ctx, n.Dir)
		return !newer(o, f.Portrait), err
	case Cancel, Retry:
		seen, err := r.Controls.Heeded(ctx, o.Key)
		return !seen.Counts(o.Modified, o.ETag), err
	case Manifest:
		m, err := r.Manifests.Manifest(ctx, job.ManifestID(n))
		return !m.Replaces(o), err
	case Unknown:
		st, err := r.HandIns.Stem(ctx, unknownName(n, o.Key))
		return o.Size == 0 || st.Made == o.ETag, err
	}
	return true, nil
}

// newer is job.Half.Newer for a file of a listing, which tells of no metadata: a file
// that was written again for its metadata alone is known by its event or not at all.
func newer(listed job.Half, noted *job.Half) bool {
	if noted != nil && noted.Key == listed.Key {
		listed.Mark = noted.Mark
	}
	return listed.Newer(noted)
}
