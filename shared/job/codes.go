package job

import "slices"

// Codes of faults: ours, stable, with a text in every language in package words.
const (
	// Of files.
	CodeEmpty           = "file_empty"
	CodeTooLarge        = "file_too_large"
	CodeNotImage        = "not_an_image"
	CodeNotAudio        = "not_a_recording"
	CodeUnknownFormat   = "file_unknown_format"
	CodeTruncated       = "file_truncated"
	CodeCorrupt         = "file_corrupt"
	CodeUnsupportedCode = "file_unsupported_codec"
	CodeNoSound         = "recording_without_sound"
	CodeImageTooSmall   = "image_too_small"
	CodeImageTooBig     = "image_too_big"
	CodeAudioTooLong    = "recording_too_long"
	CodeFileGone        = "file_gone"
	CodeUnreadable      = "file_unreadable"
	CodeReplaced        = "replaced"
	// Of hand-ins that are no job.
	CodeAudioMissing   = "recording_missing"
	CodePictureMissing = "picture_missing"
	CodeTooLate        = "picture_too_late"
	CodeUnknownFile    = "file_unknown"
	CodeFilesMissing   = "files_missing"
	// Of what a hand-in asks for.
	CodeOptionsRefused = "options_refused"
	CodeOptionsLate    = "options_too_late"
	// Of control objects.
	CodeControlAlone  = "control_without_hand_in"
	CodeControlOld    = "control_outdated"
	CodeCancelSending = "cancel_being_sent"
	CodeCancelLate    = "cancel_too_late"
	CodeCancelHeld    = "cancel_is_held"
	CodeCancelEnded   = "cancel_has_ended"
	CodeRetryOpen     = "retry_not_ended"
	CodeRetryFilm     = "retry_has_film"
	CodeRetryCharge   = "retry_may_cost_twice"
	CodeRetryFiles    = "retry_needs_files"
	CodeRetryUnread   = "retry_file_unread"
	// Of manifests, and of what their rows name.
	CodeManifestRefused = "manifest_refused"
	CodeManifestStuck   = "manifest_stuck"
	CodeResultsLost     = "results_lost"
	CodeFileMissing     = "file_missing"
	// Of what a film would cost.
	CodeOverBudget = "over_budget"
	// Of portraits, by the vendor's detect.
	CodeFaceRefused = "face_refused"
	CodeDetectFails = "detect_fails"
	// Of the vendor.
	CodeInputRefused   = "vendor_refuses_input"
	CodeVendorRefused  = "vendor_refuses"
	CodeVendorFailed   = "vendor_failed"
	CodeCannotDownload = "vendor_cannot_download"
	CodeCannotUpload   = "cannot_upload"
	CodeVendorSilent   = "vendor_silent"
	CodeVendorCanceled = "vendor_canceled"
	CodeVendorLost     = "vendor_lost_task"
	CodeTaskExpired    = "task_expired"
	CodeLinkEnded      = "film_link_ended"
	// Of a task that no job can use.
	CodeTaskOrphaned = "task_orphaned"
	// Of jobs that need a person, and of those that a person ended.
	CodeAmbiguous  = "create_ambiguous"
	CodeFilmMisfit = "film_does_not_fit"
	CodeCanceled   = "canceled"
	CodeGivenUp    = "given_up"
	// Of the gate.
	CodeKeyRefused = "key_refused"
	CodeNoMoney    = "account_overdue"
	CodeNoAccess   = "no_access"
	CodePaused     = "paused"
	CodeBudget     = "budget_reached"
)

// OfControl are the codes of control objects that were not carried out.
func OfControl() []string {
	return []string{CodeControlAlone, CodeControlOld, CodeCancelSending, CodeCancelLate, CodeCancelHeld, CodeCancelEnded,
		CodeRetryOpen, CodeRetryFilm, CodeRetryCharge, CodeRetryFiles, CodeRetryUnread}
}

// Codes are all of them: each needs a text in every language.
func Codes() []string {
	return slices.Concat([]string{CodeEmpty, CodeTooLarge, CodeNotImage, CodeNotAudio, CodeUnknownFormat, CodeTruncated,
		CodeCorrupt, CodeUnsupportedCode, CodeNoSound, CodeImageTooSmall, CodeImageTooBig, CodeAudioTooLong,
		CodeFileGone, CodeUnreadable, CodeReplaced, CodeAudioMissing, CodePictureMissing, CodeTooLate, CodeUnknownFile,
		CodeFilesMissing, CodeOptionsRefused, CodeOptionsLate, CodeOverBudget, CodeManifestRefused, CodeManifestStuck, CodeResultsLost, CodeFileMissing},
		OfControl(), []string{CodeFaceRefused, CodeDetectFails, CodeInputRefused, CodeVendorRefused, CodeVendorFailed,
			CodeCannotDownload, CodeCannotUpload, CodeVendorSilent, CodeVendorCanceled, CodeVendorLost, CodeTaskExpired, CodeLinkEnded,
			CodeTaskOrphaned, CodeAmbiguous, CodeFilmMisfit, CodeCanceled, CodeGivenUp, CodeKeyRefused, CodeNoMoney, CodeNoAccess, CodePaused, CodeBudget})
}
