package dashscope

import (
	"strings"

	"emodrop/shared/job"
)

// Where the rows of the table come from, as read in 2025 and 2026.
const (
	docEMO    = "https://help.aliyun.com/zh/model-studio/emo-api"
	docDetect = "https://help.aliyun.com/zh/model-studio/emo-detect-api"
	docCodes  = "https://help.aliyun.com/zh/model-studio/error-code"
	docTasks  = "https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks"
	docUpload = "https://help.aliyun.com/zh/model-studio/get-temporary-file-url"
	docOSS    = "https://help.aliyun.com/zh/oss/developer-reference/postobject"
	seen      = "ASSUMED: reported by developers, in no document"
	assumed   = "ASSUMED"
)

// rule is one row of the table.
type rule struct {
	// status is the HTTP status; 0 means any, 4 and 5 mean any of that hundred.
	status int
	// code is compared without regard to case. "" means any, none included; a
	// star at the end stands for the rest, and "*" alone for any code at all.
	code string
	// message is a lower-case fragment of the message; "" means any.
	message string
	outcome job.Outcome
	source  string
}

// rules is the one table of what the vendor's errors mean; the first row that
// fits counts. The same code often means several things, and only its message
// tells them apart: rows with a message stand above those without.
var rules = []rule{
	// The link to an input had ended.
	{0, "", "have authorization to access the media resource", job.FreshURL, docCodes},

	// The vendor could not download an input from where it is.
	{0, "", "unable to download the media resource", job.OtherTransport, docEMO},
	{0, "", "download the media resource timed out", job.OtherTransport, docCodes},
	{0, "", "failed to find the requested media resource", job.OtherTransport, seen},
	{0, "", "failed to download multimodal content", job.OtherTransport, docCodes},
	{0, "", "missing content-length of multimodal url", job.OtherTransport, docCodes},
	{0, "InvalidParameter.FileDownload", "", job.OtherTransport, seen},
	{0, "InvalidFile.DownloadFailed", "", job.OtherTransport, docCodes},
	{0, "BadRequest.InputDownloadFailed", "", job.OtherTransport, docCodes},
	{0, "InvalidURL.*", "", job.OtherTransport, docCodes},

	// InvalidURL is a link that did not work, or one of three limits.
	{0, "InvalidURL", "longer than", job.BadInput, docEMO},
	{0, "InvalidURL", "shorter than", job.BadInput, assumed},
	{0, "InvalidURL", "larger than", job.BadInput, docEMO},
	{0, "InvalidURL", "file type is not supported", job.BadInput, docEMO},
	{0, "InvalidURL", "", job.OtherTransport, docEMO},

	// The files themselves: format, limits, what they show, moderation.
	{0, "", "media format is not supported", job.BadInput, docCodes},
	{0, "", "cannot be opened", job.BadInput, docCodes},
	{0, "", "failed to decode the image", job.BadInput, docCodes},
	{0, "", "image size is not supported", job.BadInput, docCodes},
	{0, "", "green network verification", job.BadInput, seen},
	{0, "InvalidFile.*", "", job.BadInput, docEMO},
	{0, "InvalidImage*", "", job.BadInput, docCodes},
	{0, "InvalidPerson", "", job.BadInput, docCodes},
	{0, "InvalidInputLength", "", job.BadInput, docCodes},
	{0, "Audio.*", "", job.BadInput, docCodes},
	{0, "BadRequest.UnsupportedFileFormat", "", job.BadInput, docCodes},
	{0, "EntityTooLarge", "", job.BadInput, docOSS},
	{0, "DataInspectionFailed", "", job.BadInput, docCodes},
	{0, "data_inspection_failed", "", job.BadInput, docCodes},
	{0, "IPInfringementSuspect", "", job.BadInput, docCodes},
	{0, "CustomRoleBlocked", "", job.BadInput, docCodes},
	{0, "FaqRuleBlocked", "", job.BadInput, docCodes},
	// ASSUMED: other troubles of fetching and inspecting are cured by another
	// way of handing the file over, if by anything.
	{0, "InvalidParameter.DataInspection", "", job.OtherTransport, assumed},

	// An upload's permit that ended: the next upload asks for a new one.
	{0, "AccessDenied", "policy expired", job.Retry, docUpload},

	// A full account: of money's kind at 429, of stored things at 400.
	{400, "Throttling.AllocationQuota", "", job.Refused, docCodes},
	{0, "", "free allocated quota exceeded", job.OperatorNeeded, docCodes},

	// Key, money, permission, model: the same for every job.
	{0, "Arrearage", "", job.OperatorNeeded, docCodes},
	{0, "CommodityNotPurchased", "", job.OperatorNeeded, docCodes},
	{0, "PrepaidBillOverdue", "", job.OperatorNeeded, docCodes},
	{0, "PostpaidBillOverdue", "", job.OperatorNeeded, docCodes},
	{0, "AllocationQuota.FreeTierOnly", "", job.OperatorNeeded, docCodes},
	{0, "InvalidApiKey", "", job.OperatorNeeded, docCodes},
	{0, "invalid_api_key", "", job.OperatorNeeded, docCodes},
	{0, "NOT AUTHORIZED", "", job.OperatorNeeded, docCodes},
	{0, "AccessDenied*", "", job.OperatorNeeded, docCodes},
	{0, "access_denied", "", job.OperatorNeeded, docCodes},
	{0, "Model.AccessDenied", "", job.OperatorNeeded, docCodes},
	{0, "Workspace.AccessDenied", "", job.OperatorNeeded, docCodes},
	{0, "App.AccessDenied", "", job.OperatorNeeded, docCodes},
	{0, "Endpoint.AccessDenied", "", job.OperatorNeeded, docCodes},
	{0, "ModelNotFound", "", job.OperatorNeeded, docCodes},
	{0, "model_not_found", "", job.OperatorNeeded, docCodes},
	{0, "WorkSpaceNotFound", "", job.OperatorNeeded, docCodes},
	{401, "*", "", job.OperatorNeeded, docCodes},
	{403, "*", "", job.OperatorNeeded, docCodes},
	// Tasks that are gone answer 200 and UNKNOWN. A 404 is about the address or
	// the model, and those are the same for every job.
	{404, "*", "", job.OperatorNeeded, docCodes},

	// Too many requests.
	{0, "Throttling*", "", job.Throttled, docCodes},
	{0, "LimitRequests", "", job.Throttled, docCodes},
	{0, "limit_requests", "", job.Throttled, docCodes},
	{0, "limit_burst_rate", "", job.Throttled, docCodes},
	{0, "insufficient_quota", "", job.Throttled, docCodes},
	{429, "", "", job.Throttled, "https://www.rfc-editor.org/rfc/rfc6585#section-4"},

	// The vendor's own trouble.
	{4, "InternalError.Algo.InvalidParameter", "", job.Refused, seen},
	{0, "InternalError*", "", job.Retry, docCodes},
	{0, "SystemError", "", job.Retry, docCodes},
	{0, "ModelServiceFailed", "", job.Retry, docCodes},
	{0, "RequestTimeOut", "", job.Retry, docCodes},
	{0, "ModelServingError", "", job.Retry, docCodes},
	{0, "ModelUnavailable", "", job.Retry, docCodes},
	{408, "", "", job.Retry, "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9"},
	{5, "", "", job.Retry, "https://www.rfc-editor.org/rfc/rfc9110#section-15.6"},

	// The request: malformed, or not for this.
	{0, "InvalidParameter*", "", job.Refused, docEMO},
	{0, "UnsupportedOperation", "", job.Refused, docTasks},
	{0, "BadRequest.*", "", job.Refused, docCodes},
	// Codes nobody has heard of yet: a person may retry, a machine does not.
	{4, "*", "", job.Refused, assumed},
	{200, "*", "", job.Refused, assumed},
}

// Classify says what an error of the vendor means for a job: of a request, of a
// rejected portrait and of a FAILED task alike (the last two stand in answers
// with status 200). What no row of the table knows is Unknown, and so is
// whatever carries no code, but for the statuses 408, 429 and 5xx, which say
// enough by themselves. Create is stricter than this: see there.
func Classify(status int, code, message string) job.Outcome {
	code, message = strings.TrimSpace(code), strings.ToLower(message)
	for _, r := range rules {
		if r.fits(status, code, message) {
			return r.outcome
		}
	}
	return job.Unknown
}

func (r rule) fits(status int, code, message string) bool {
	if r.status != 0 && r.status != status && r.status != status/100 {
		return false
	}
	if !strings.Contains(message, r.message) {
		return false
	}
	if stem, star := strings.CutSuffix(r.code, "*"); star {
		return code != "" && len(code) >= len(stem) && strings.EqualFold(code[:len(stem)], stem)
	}
	return r.code == "" || strings.EqualFold(code, r.code)
}
