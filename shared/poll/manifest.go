package poll

import "context"

// manifest has a manifest's results brought up to date, or the rows taken in that are
// left.
func (s *Step) manifest(ctx context.Context, r *round, id string) error {
	open, err := s.Manifests.Report(ctx, id)
	if err == nil && open {
		r.give(&r.work.Manifests, id)
	}
	return err
}
