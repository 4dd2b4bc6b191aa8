package submit

import (
	"fmt"

	"emodrop/shared/job"
)

// wanted is how a film is to be made: as its hand-in asks, else as the stack does.
func (s *Step) wanted(j job.Job) (job.Style, job.Ratio) {
	style := j.Options.Style
	if style == "" {
		style = s.Style
	}
	return style, s.Profile.RatioOf(j.Options, s.Ratio, j.Image.Width, j.Image.Height)
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
