package tell

import (
	"context"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// batchRecord has failed/ say why a manifest was refused, and nothing any more once the
// same file has been taken in. What is told late and holds no longer writes nothing.
func (t *Teller) batchRecord(ctx context.Context, m job.Message) error {
	now, err := t.Manifests.Manifest(ctx, m.Batch.Manifest)
	if err != nil {
		return err
	}
	if now.Rev > 0 && now.Version() != m.Batch.Version {
		return nil
	}
	if m.Batch.Phase == job.BatchFinished {
		return nil // the results are its record
	}
	for _, file := range now.Former {
		if file != m.Name.Stem {
			n := job.Name{Dir: m.Name.Dir, Stem: file}
			if err := t.Outbox.RemoveRecord(ctx, failedKey(n)); err != nil {
				return err
			}
		}
	}
	if m.Batch.Phase == job.BatchRefused {
		return t.Outbox.PutRecord(ctx, job.RecordKey(m), words.Record(m, t.Place))
	}
	return t.Outbox.RemoveRecord(ctx, job.RecordKey(m))
}
