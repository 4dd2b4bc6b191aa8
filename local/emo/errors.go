package emo

import (
	"net/http"
	"slices"
	"strings"
)

// Where the documented errors were read (late 2025 to mid 2026).
const (
	srcEMO      = "https://help.aliyun.com/zh/model-studio/emo-api"
	srcDetect   = "https://help.aliyun.com/zh/model-studio/emo-detect-api"
	srcCodes    = "https://www.alibabacloud.com/help/en/model-studio/error-code"
	srcTasks    = "https://www.alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks"
	srcUpload   = "https://help.aliyun.com/zh/model-studio/get-temporary-file-url"
	srcSibling  = "https://help.aliyun.com/zh/model-studio/emoji-detect-api"
	srcAssumed  = "ASSUMED"
	srcObserved = "ASSUMED: reported by developers, in no document"
)

// Problem is one error the service answers with: an HTTP status, a code and a message. Inside a FAILED task or a
// detect rejection the same code and message appear with HTTP 200.
type Problem struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Source  string `json:"source"` // the public page that documents it, or a text beginning with "ASSUMED"
}

// about fills the "xxx" of a message that names a link. The link's query is never shown: it is a credential. The real
// service shows it.
func (p Problem) about(link string) Problem {
	p.Message = strings.Replace(p.Message, "xxx", link, 1)
	return p
}

// The one table of errors. A code occurs several times where its message is what tells the cases apart.
var (
	errBody          = Problem{400, "InvalidParameter", "The request is missing required parameters or in a wrong format, please check the parameters that you send.", srcEMO}
	errStyle         = Problem{400, "InvalidParameter", "The style_level is invalid.", srcEMO}
	errBox           = Problem{400, "InvalidParameter", "Invalid bbox input", srcObserved}
	errDownload      = Problem{400, "InvalidParameter.DataInspection", "Unable to download the media resource during the data inspection process.", srcEMO}
	errForbidden     = Problem{400, "InvalidParameter.DataInspection", "Don't have authorization to access the media resource during the data inspection process.", srcCodes}
	errImageURL      = Problem{400, "InvalidURL", "The request URL is invalid, please check the request URL is available and the request image format is one of the following types: JPEG, JPG, PNG, BMP, and WEBP.", srcEMO}
	errURL           = Problem{400, "InvalidURL", "Required URL is missing or invalid, please check the request URL.", srcEMO}
	errAudioLong     = Problem{400, "InvalidURL", "The input audio is longer than 60s!", srcEMO}
	errAudioBig      = Problem{400, "InvalidURL", "File size is larger than 15MB.", srcEMO}
	errAudioType     = Problem{400, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.", srcEMO}
	errNoBody        = Problem{400, "InvalidFile.Content", "The input image has no human body. Please upload other image with single person.", srcEMO}
	errManyBodies    = Problem{400, "InvalidFile.Content", "The input image has multi human bodies. Please upload other image with single person.", srcEMO}
	errProportion    = Problem{400, "InvalidFile.BodyProportion", "The proportion of the detected person in the picture is too large or too small, please upload other image.", srcEMO}
	errResolution    = Problem{400, "InvalidFile.Resolution", "The image resolution is invalid, please make sure that the largest length of image is smaller than 7000, and the smallest length of image is larger than 400.", srcEMO}
	errDark          = Problem{400, "InvalidFile.Value", "The value of the image is invalid, please upload other clearer image.", srcEMO}
	errFrontBody     = Problem{400, "InvalidFile.FrontBody", "The pose of the detected person is invalid, please upload other image with the front view.", srcEMO}
	errFullFace      = Problem{400, "InvalidFile.FullFace", "The pose of the detected face is invalid, please upload other image with whole face.", srcEMO}
	errFacePose      = Problem{400, "InvalidFile.FacePose", "The pose of the detected face is invalid, please upload other image with the expected orientation.", srcEMO}
	errDetectNone    = Problem{400, "InvalidFile.NoHuman", "The input image has no human body. Please upload other image with single person.", srcCodes}
	errDetectMany    = Problem{400, "InvalidFile.MultiHuman", "The input image has multi human bodies. Please upload other image with single person.", srcCodes}
	errFullBody      = Problem{400, "InvalidFile.FullBody", "The pose of the detected person is invalid, please upload other image with whole body, or change the ratio parameter to 1:1.", srcCodes}
	errRatio         = Problem{400, "InvalidParameter.Ratio", "The ratio is invalid, it must be one of 1:1 and 3:4.", srcDetect + " (the code; its message is ASSUMED)"}
	errContentType   = Problem{400, "InvalidParameter", "Required body invalid, please check the request body format.", srcSibling}
	errEndpoint      = Problem{400, "InvalidParameter", "url error, please check url！", srcCodes}
	errSourceType    = Problem{400, "InvalidParameter", "Wrong Content-Type of multimodal url", srcCodes}
	errNoInput       = Problem{400, "BadRequest.EmptyInput", "Required input parameter missing from request.", srcCodes}
	errNoParameters  = Problem{400, "BadRequest.EmptyParameters", `Required parameter "parameters" missing from request.`, srcCodes}
	errNoModel       = Problem{400, "BadRequest.EmptyModel", `Required parameter "model" missing from request.`, srcCodes}
	errTooLarge      = Problem{400, "BadRequest.TooLarge", "Payload Too Large.", srcCodes}
	errRefused       = Problem{400, "InvalidURL.ConnectionRefused", "Connection to xxx refused, please provide available URL.", srcCodes}
	errCancel        = Problem{400, "UnsupportedOperation", "Failed to cancel the task, please confirm if the task is in PENDING status.", srcTasks}
	errNoKey         = Problem{401, "InvalidApiKey", "No API-key provided.", srcDetect}
	errKey           = Problem{401, "InvalidApiKey", "Invalid API-key provided.", srcCodes}
	errSync          = Problem{403, "AccessDenied", "current user api does not support synchronous calls.", srcCodes}
	errAsync         = Problem{403, "AccessDenied", "Current user api does not support asynchronous calls.", srcCodes}
	errPolicyExpired = Problem{403, "AccessDenied", "Invalid according to Policy: Policy expired.", srcUpload}
	errModel         = Problem{404, "ModelNotFound", "Model can not be found.", srcCodes}
	errNotFound      = Problem{404, "NotFound", "Not found!", srcCodes}
	errMethod        = Problem{405, "NotFound", "Not found!", srcAssumed}
	errRate          = Problem{429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", srcTasks}
	errInternal      = Problem{500, "InternalError", "An internal error has occured, try again later or contact service support.", srcCodes}
	errAlgo          = Problem{500, "InternalError.Algo", "inference internal error.", srcCodes}
	errTimeout       = Problem{500, "InternalError.Timeout", "An internal timeout error has occured during execution, try again later or contact service support.", srcCodes}
)

// faultOnly lists documented errors that no request can bring about here (the account's money, the service's own
// trouble, moderation): a rule of kind "status", "reject" or "fail_task" answers with them.
var faultOnly = []Problem{
	{400, "InvalidParameter.DataInspection", "Download the media resource timed out during the data inspection process.", srcCodes},
	{400, "InvalidParameter.DataInspection", "The media format is not supported or incorrect for the data inspection.", srcCodes},
	{400, "InvalidURL", "Invalid URL provided in your request.", srcCodes},
	{400, "InvalidURL.Timeout", "Download xxx timeout, please check network connection.", srcCodes},
	{400, "InvalidFile.FacePose", "The pose of the detected face is invalid, please upload other image with the expected oriention.", srcCodes},
	{400, "InvalidFile.DownloadFailed", "The audio file cannot be downloaded.", srcCodes},
	{400, "InvalidFile.AudioLengthError", "Audio length must be between 1s and 180s.", srcCodes},
	{400, "InvalidFile.BodyPose", "The pose of the detected person is invalid, please upload other image with whole body and expected orientation.", srcCodes},
	{400, "InvalidFile.Size", "Invalid file size. The video file size must be less than 200MB, and the audio file size must be less than 15MB.", srcCodes},
	{400, "InvalidImage.NoHumanFace", "No human face detected.", srcCodes},
	{400, "InvalidImage.FileFormat", "Invalid image type. Please ensure the uploaded file is a valid image.", srcCodes},
	{400, "BadRequest.IllegalInput", "The input parameter requires json format.", srcCodes},
	{400, "BadRequest.InputDownloadFailed", "Failed to download the input file.", srcCodes},
	{400, "BadRequest.UnsupportedFileFormat", "Input file format is not supported.", srcCodes},
	{400, "DataInspectionFailed", "Input or output data may contain inappropriate content.", srcCodes},
	{400, "IPInfringementSuspect", "Input data is suspected of being involved in IP infringement.", srcCodes},
	{400, "CustomRoleBlocked", "Input or output data may contain inappropriate content with custom rule.", srcCodes},
	{400, "FaqRuleBlocked", "Input or output data is blocked by faq rule.", srcCodes},
	{400, "Arrearage", "Access denied, please make sure your account is in good standing.", srcCodes},
	{400, "UnsupportedOperation", "The operation is unsupported on the referee object.", srcCodes},
	{400, "Throttling.AllocationQuota", "Your current quota is xxx", srcCodes},
	{401, "NOT AUTHORIZED", "Access denied: Either you are not authorized to access this workspace, or the workspace does not exist.", srcCodes},
	{403, "AccessDenied", "Access denied.", srcCodes},
	{403, "AccessDenied.Unpurchased", "Access to model denied. Please make sure you are eligible for using the model.", srcCodes},
	{403, "Model.AccessDenied", "Model access denied.", srcCodes},
	{403, "App.AccessDenied", "App access denied.", srcCodes},
	{403, "Workspace.AccessDenied", "Workspace access denied.", srcCodes},
	{403, "AllocationQuota.FreeTierOnly", `The free tier of the model has been exhausted. If you want to continue access the model on a paid basis, please disable the "use free tier only" mode in the management console.`, srcCodes},
	{404, "WorkSpaceNotFound", "WorkSpace can not be found.", srcCodes},
	{429, "Throttling", "Requests throttling triggered.", srcCodes},
	{429, "Throttling.BurstRate", "Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.", srcCodes},
	{429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.", srcCodes},
	{429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", srcCodes},
	{429, "CommodityNotPurchased", "Commodity has not purchased yet.", srcCodes},
	{429, "PrepaidBillOverdue", "The prepaid bill is overdue.", srcCodes},
	{429, "PostpaidBillOverdue", "The postpaid bill is overdue.", srcCodes},
	{500, "InternalError.Algo", "Inference error: Inference error.", srcCodes},
	{500, "InternalError.Algo", "Missing Content-Length of multimodal url.", srcCodes},
	{500, "InternalError.FileUpload", "oss upload error.", srcCodes},
	{500, "InternalError.Upload", "Failed to upload result.", srcCodes},
	{500, "SystemError", "An system error has occured, try again later.", srcCodes},
	{500, "ModelServiceFailed", "Failed to request model service.", srcCodes},
	{500, "RequestTimeOut", "Request timed out, try again later.", srcCodes},
	{503, "ModelServingError", "Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.", srcCodes},
	{503, "ModelUnavailable", "Model is unavailable, try again later.", srcCodes},
}

// Problems returns the whole table: first what a request can bring about, then what only a fault rule can.
func Problems() []Problem {
	byRequest := []Problem{
		errBody, errStyle, errBox, errDownload, errForbidden, errImageURL, errURL, errAudioLong, errAudioBig, errAudioType,
		errNoBody, errManyBodies, errProportion, errResolution, errDark, errFrontBody, errFullFace, errFacePose,
		errDetectNone, errDetectMany, errFullBody, errRatio, errContentType, errEndpoint, errSourceType, errNoInput,
		errNoParameters, errNoModel, errTooLarge, errRefused, errCancel, errNoKey, errKey, errSync, errAsync,
		errPolicyExpired, errModel, errNotFound, errMethod, errRate, errInternal, errAlgo, errTimeout,
	}
	return append(byRequest, slices.Clone(faultOnly)...)
}

// problemFor finds the table's row for a code, comparing without regard to case; status and message pick among several
// rows. What is given overrides the row. An unknown code is taken as it is, with status or, when that is 0, 400.
func problemFor(status int, code, message string) Problem {
	rows := slices.DeleteFunc(Problems(), func(p Problem) bool { return !strings.EqualFold(p.Code, code) })
	found := Problem{Status: http.StatusBadRequest, Code: code, Source: srcAssumed}
	best := -1
	for _, p := range rows {
		score := 0
		if p.Status == status {
			score += 2
		}
		if p.Message == message {
			score++
		}
		if score > best {
			found, best = p, score
		}
	}
	found.Status = orDefault(status, found.Status)
	found.Message = orDefault(message, found.Message)
	return found
}
