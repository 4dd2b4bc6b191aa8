package dashscope

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// documented is every code and message of the published tables, by class.
// Sources: https://help.aliyun.com/zh/model-studio/emo-api,
// https://help.aliyun.com/zh/model-studio/emo-detect-api,
// https://help.aliyun.com/zh/model-studio/error-code (2025, 2026).
var documented = []struct {
	status        int
	code, message string
	want          job.Outcome
}{
	// The page of EMO.
	{400, "InvalidParameter", "The request is missing required parameters or in a wrong format, please check the parameters that you send.", job.Refused},
	{400, "InvalidParameter", "The style_level is invalid.", job.Refused},
	{400, "InvalidParameter", "Invalid bbox input", job.Refused},
	{400, "InvalidParameter.DataInspection", "Unable to download the media resource during the data inspection process.", job.OtherTransport},
	{400, "InvalidURL", "The request URL is invalid, please check the request URL is available and the request image format is one of the following types: JPEG, JPG, PNG, BMP, and WEBP.", job.OtherTransport},
	{400, "InvalidURL", "Required URL is missing or invalid, please check the request URL.", job.OtherTransport},
	{400, "InvalidURL", "The input audio is longer than 60s!", job.BadInput},
	{400, "InvalidURL", "File size is larger than 15MB.", job.BadInput},
	{400, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.", job.BadInput},
	{400, "InvalidFile.Content", "The input image has no human body. Please upload other image with single person.", job.BadInput},
	{400, "InvalidFile.Content", "The input image has multi human bodies. Please upload other image with single person.", job.BadInput},
	{400, "InvalidFile.BodyProportion", "The proportion of the detected person in the picture is too large or too small, please upload other image.", job.BadInput},
	{400, "InvalidFile.Resolution", "The image resolution is invalid, please make sure that the largest length of image is smaller than 7000, and the smallest length of image is larger than 400.", job.BadInput},
	{400, "InvalidFile.Value", "The value of the image is invalid, please upload other clearer image.", job.BadInput},
	{400, "InvalidFile.FrontBody", "The pose of the detected person is invalid, please upload other image with the front view.", job.BadInput},
	{400, "InvalidFile.FullFace", "The pose of the detected face is invalid, please upload other image with whole face.", job.BadInput},
	{400, "InvalidFile.FacePose", "The pose of the detected face is invalid, please upload other image with the expected orientation.", job.BadInput},
	{400, "InvalidFile.FacePose", "The pose of the detected face is invalid, please upload other image with the expected oriention.", job.BadInput},

	// The page of detect.
	{400, "InvalidFile.NoHuman", "The input image has no human body. Please upload other image with single person.", job.BadInput},
	{400, "InvalidFile.MultiHuman", "The input image has multi human bodies. Please upload other image with single person.", job.BadInput},
	{400, "InvalidFile.FullBody", "The pose of the detected person is invalid, please upload other image with whole body, or change the ratio parameter to 1:1.", job.BadInput},
	{400, "InvalidParameter.Ratio", "The ratio is invalid.", job.Refused},
	{401, "InvalidApiKey", "No API-key provided.", job.OperatorNeeded},

	// The page of all error codes.
	{400, "InvalidParameter.DataInspection", "Download the media resource timed out during the data inspection process.", job.OtherTransport},
	{400, "InvalidParameter", "Download the media resource timed out during the data inspection process.", job.OtherTransport},
	{400, "InvalidParameter", "Unable to download the media resource during the data inspection process.", job.OtherTransport},
	{400, "InvalidParameter", "Don't have authorization to access the media resource during the data inspection process.", job.FreshURL},
	{400, "InvalidParameter.DataInspection", "Don't have authorization to access the media resource during the data inspection process.", job.FreshURL},
	{400, "InvalidParameter.DataInspection", "Don’t have authorization to access the media resource during the data inspection process.", job.FreshURL},
	{400, "InvalidParameter", "The media format is not supported or incorrect for the data inspection.", job.BadInput},
	{400, "InvalidParameter.DataInspection", "The media format is not supported or incorrect for the data inspection.", job.BadInput},
	{400, "InvalidParameter.DataInspection", "The file format is illegal and cannot be opened.", job.BadInput},
	{400, "InvalidParameter", "The audio format is illegal and cannot be opened.", job.BadInput},
	{400, "InvalidParameter", "Failed to decode the image during the data inspection.", job.BadInput},
	{400, "InvalidParameter", "The image size is not supported for the data inspection.", job.BadInput},
	{400, "InvalidParameter.DataInspection", "The image content does not comply with green network verification.", job.BadInput},
	{400, "InvalidParameter.DataInspection", "Failed to find the requested media resource during the data inspection process", job.OtherTransport},
	{400, "InvalidParameter.DataInspection", "Something nobody has seen yet.", job.OtherTransport},
	{400, "InvalidParameter.FileDownload", "Download failed.", job.OtherTransport},
	{400, "InvalidParameter", "Wrong Content-Type of multimodal url", job.Refused},
	{400, "InvalidParameter", "url error, please check url！", job.Refused},
	{400, "InvalidURL", "Invalid URL provided in your request.", job.OtherTransport},
	{400, "InvalidURL", "The request URL is invalid, make sure the url is correct and is an image.", job.OtherTransport},
	{400, "InvalidURL.Timeout", "Download xxx timeout, please check network connection.", job.OtherTransport},
	{400, "InvalidURL.ConnectionRefused", "Connection to xxx refused, please provide available URL.", job.OtherTransport},
	{400, "BadRequest.InputDownloadFailed", "Failed to download the input file.", job.OtherTransport},
	{400, "InvalidFile.DownloadFailed", "The audio file cannot be downloaded.", job.OtherTransport},
	{400, "BadRequest.EmptyInput", "Required input parameter missing from request.", job.Refused},
	{400, "BadRequest.EmptyParameters", `Required parameter "parameters" missing from request.`, job.Refused},
	{400, "BadRequest.EmptyModel", `Required parameter "model" missing from request.`, job.Refused},
	{400, "BadRequest.IllegalInput", "The input parameter requires json format.", job.Refused},
	{400, "BadRequest.TooLarge", "Payload Too Large.", job.Refused},
	{400, "BadRequest.UnsupportedFileFormat", "Input file format is not supported.", job.BadInput},
	{400, "InvalidFile.BodyPose", "The pose of the detected person is invalid.", job.BadInput},
	{400, "InvalidFile.Size", "Invalid file size.", job.BadInput},
	{400, "InvalidFile.Duration", "Invalid file duration.", job.BadInput},
	{400, "InvalidFile.ImageSize", "The size of image is beyond limit.", job.BadInput},
	{400, "InvalidFile.AspectRatio", "Invalid file ratio.", job.BadInput},
	{400, "InvalidFile.Openerror", "Invalid file, cannot open file as video/audio/image.", job.BadInput},
	{400, "InvalidFile.Format", "Invalid file format", job.BadInput},
	{400, "InvalidFile.AudioLengthError", "Audio length must be between 1s and 180s.", job.BadInput},
	{200, "InvalidImage.NoHumanFace", "No human face detected.", job.BadInput},
	{400, "InvalidImage.ImageSize", "The size of image is beyond limit.", job.BadInput},
	{400, "InvalidImage.FileFormat", "Invalid image type.", job.BadInput},
	{400, "InvalidImageResolution", "The input image resolution is too large or small.", job.BadInput},
	{400, "InvalidImageFormat", "The input image is in invalid format.", job.BadInput},
	{400, "InvalidPerson", "The input image has no human body or multi human bodies.", job.BadInput},
	{400, "DataInspectionFailed", "Input or output data may contain inappropriate content.", job.BadInput},
	{400, "data_inspection_failed", "Input data may contain inappropriate content.", job.BadInput},
	{400, "IPInfringementSuspect", "Input data is suspected of being involved in IP infringement.", job.BadInput},
	{400, "CustomRoleBlocked", "Input or output data may contain inappropriate content with custom rule.", job.BadInput},
	{400, "FaqRuleBlocked", "Input or output data is blocked by faq rule.", job.BadInput},
	{400, "Arrearage", "Access denied, please make sure your account is in good standing.", job.OperatorNeeded},
	{400, "UnsupportedOperation", "Failed to cancel the task, please confirm if the task is in PENDING status.", job.Refused},
	{400, "Throttling.AllocationQuota", "Your current quota is xxx", job.Refused},
	{401, "InvalidApiKey", "Invalid API-key provided.", job.OperatorNeeded},
	{401, "invalid_api_key", "Incorrect API key provided.", job.OperatorNeeded},
	{401, "NOT AUTHORIZED", "Access denied: Either you are not authorized to access this workspace, or the workspace does not exist.", job.OperatorNeeded},
	{401, "SomethingNew", "", job.OperatorNeeded},
	{403, "AccessDenied", "current user api does not support synchronous calls.", job.OperatorNeeded},
	{403, "AccessDenied", "Current user api does not support asynchronous calls.", job.OperatorNeeded},
	{403, "AccessDenied", "Access denied.", job.OperatorNeeded},
	{403, "AccessDenied", "Invalid according to Policy: Policy expired.", job.Retry},
	{403, "AccessDenied.Unpurchased", "Access to model denied.", job.OperatorNeeded},
	{403, "Model.AccessDenied", "Model access denied.", job.OperatorNeeded},
	{403, "Workspace.AccessDenied", "Workspace access denied.", job.OperatorNeeded},
	{403, "App.AccessDenied", "App access denied.", job.OperatorNeeded},
	{200, "Endpoint.AccessDenied", "Workspace endpoint access denied.", job.OperatorNeeded},
	{403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted.", job.OperatorNeeded},
	{404, "ModelNotFound", "Model can not be found.", job.OperatorNeeded},
	{404, "model_not_found", "The model xxx does not exist.", job.OperatorNeeded},
	{404, "WorkSpaceNotFound", "WorkSpace can not be found.", job.OperatorNeeded},
	{404, "NotFound", "Not found!", job.OperatorNeeded},
	{404, "InvalidParameter", "Model not exist.", job.OperatorNeeded},
	{429, "Throttling", "Requests throttling triggered.", job.Throttled},
	{429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", job.Throttled},
	{429, "LimitRequests", "You have exceeded your request limit.", job.Throttled},
	{429, "limit_requests", "You exceeded your current requests list.", job.Throttled},
	{429, "Throttling.BurstRate", "Request rate increased too quickly.", job.Throttled},
	{429, "limit_burst_rate", "Request rate increased too quickly.", job.Throttled},
	{429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.", job.Throttled},
	{429, "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.", job.Throttled},
	{429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", job.OperatorNeeded},
	{429, "CommodityNotPurchased", "Commodity has not purchased yet.", job.OperatorNeeded},
	{429, "PrepaidBillOverdue", "The prepaid bill is overdue.", job.OperatorNeeded},
	{429, "PostpaidBillOverdue", "The postpaid bill is overdue.", job.OperatorNeeded},
	{500, "InternalError", "An internal error has occured, try again later or contact service support.", job.Retry},
	{500, "InternalError.Algo", "Inference error: Inference error.", job.Retry},
	{500, "InternalError.Algo", "Missing Content-Length of multimodal url.", job.OtherTransport},
	{400, "InternalError.Algo.InvalidParameter", "Failed to download multimodal content", job.OtherTransport},
	{400, "InternalError.Algo.InvalidParameter", "Range of something.", job.Refused},
	{500, "InternalError.FileUpload", "oss upload error.", job.Retry},
	{500, "InternalError.Upload", "Failed to upload result.", job.Retry},
	{500, "InternalError.Timeout", "An internal timeout error has occured during execution.", job.Retry},
	{500, "SystemError", "An system error has occured, try again later.", job.Retry},
	{500, "ModelServiceFailed", "Failed to request model service.", job.Retry},
	{500, "RequestTimeOut", "Request timed out, try again later.", job.Retry},
	{500, "ModelServingError", "Too many requests.", job.Retry},
	{503, "ModelServingError", "Too many requests.", job.Retry},
	{503, "ModelUnavailable", "Model is unavailable, try again later.", job.Retry},

	{400, "InvalidInputLength", "The image resolution is invalid.", job.BadInput},
	{400, "Audio.DecoderError", "Decoder audio file failed.", job.BadInput},
	{403, "access_denied", "", job.OperatorNeeded},
	// https://help.aliyun.com/zh/oss/developer-reference/postobject
	{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.", job.BadInput},

	// What no page tells.
	{400, "InvalidURL", "The input audio is shorter than 1s!", job.BadInput},
	{403, "NobodyKnows", "Brand new.", job.OperatorNeeded},
	{400, "NobodyKnows", "Brand new.", job.Refused},
	{200, "NobodyKnows", "Brand new.", job.Refused},
	{400, "", "No code at all.", job.Unknown},
	{401, "", "", job.Unknown},
	{403, "", "", job.Unknown},
	{404, "", "", job.Unknown},
	{200, "", "", job.Unknown},
	{302, "Moved", "", job.Unknown},
	{0, "", "", job.Unknown},
	{408, "", "", job.Retry},
	{429, "", "", job.Throttled},
	{502, "", "", job.Retry},
	{503, "NobodyKnows", "", job.Retry},
}

func TestEveryDocumentedErrorHasItsOutcome(t *testing.T) {
	t.Parallel()
	for _, d := range documented {
		require.Equal(t, d.want, Classify(d.status, d.code, d.message), "%d %s: %s", d.status, d.code, d.message)
	}
}

func TestAFailedTaskIsClassifiedAsTheRequestWouldBe(t *testing.T) {
	t.Parallel()
	for _, d := range documented {
		if d.status != 400 && d.status != 500 || d.code == "" {
			continue // the others are about the call and not about a task
		}
		if d.code == "Throttling.AllocationQuota" || d.code == "InternalError.Algo.InvalidParameter" {
			continue // the status tells two meanings of one code apart
		}
		require.Equal(t, d.want, Classify(200, d.code, d.message), "%s: %s", d.code, d.message)
	}
}

func TestEveryRowOfTheTableIsReachedByADocumentedError(t *testing.T) {
	t.Parallel()
	reached := map[int]bool{}
	for _, d := range documented {
		for i, r := range rules {
			if r.fits(d.status, d.code, strings.ToLower(d.message)) {
				reached[i] = true
				break
			}
		}
	}
	for i, r := range rules {
		require.NotEmpty(t, r.source)
		require.True(t, reached[i], "row %d (%d %q %q) is never the first to fit", i, r.status, r.code, r.message)
	}
}

func TestCodesAreComparedWithoutCaseAndSpaces(t *testing.T) {
	t.Parallel()
	require.Equal(t, job.BadInput, Classify(400, " invalidfile.nohuman ", ""))
	require.Equal(t, job.FreshURL, Classify(400, "InvalidParameter", "DON'T HAVE AUTHORIZATION TO ACCESS THE MEDIA RESOURCE"))
}
