package submit

import "emodrop/shared/job"

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
	if j.Options.Refused != "" {
		return &job.Fault{Code: job.CodeOptionsRefused}
	}
	if why := j.Options.Misfit(j.Image.Width, j.Image.Height); why != "" {
		return &job.Fault{Code: job.CodeOptionsRefused, Detail: why}
	}
	return nil
}
