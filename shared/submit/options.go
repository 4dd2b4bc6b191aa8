package submit

import (
	"fmt"

	"emodrop/shared/job"
)

// wanted is how a film is to be made: as its hand-in asks, else as the stack does. The
// part of the picture that a hand-in gives is of one ratio, whatever the stack's is.
func (s *Step) wanted(j job.Job) (job.Style, job.Ratio) {
	style, ratio := j.Options.Style, j.Options.Ratio
	if style == "" {
		style = s.Style
	}
	if j.Options.Ext != (job.Box{}) {
		return style, j.Options.Ext.Shape()
	}
	if ratio == "" {
		ratio = s.Ratio
	}
	return style, s.Profile.Resolve(ratio, j.Image.Width, j.Image.Height)
}

// optionsRefused says why a job cannot be made as it asks; nil when it can. Options
// that nobody could read stay unread, whoever asks for a retry.
func optionsRefused(j job.Job) *job.Fault {
	o, size := j.Options, job.Box{0, 0, j.Image.Width, j.Image.Height}
	if o.Refused != "" {
		return &job.Fault{Code: job.CodeOptionsRefused}
	}
	if o.Ext.Within(size) {
		return nil
	}
	return &job.Fault{Code: job.CodeOptionsRefused,
		Detail: fmt.Sprintf("ext_bbox: has to lie within the picture, which is %d×%d", size[2], size[3])}
}
