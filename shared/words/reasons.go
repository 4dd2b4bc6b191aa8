package words

import (
	"strings"

	"emodrop/shared/job"
)

// reason is what the service's own code, or its message, says more than ours.
type reason struct {
	// codes are compared without regard to case; none means any.
	codes []string
	// message is a lower-case fragment; empty means any.
	message string
	entry
}

// refinable are the codes of ours that the service's own may say more about.
func refinable(code string) bool {
	switch code {
	case job.CodeFaceRefused, job.CodeInputRefused, job.CodeCannotDownload:
		return true
	}
	return false
}

var (
	onePerson = text{"", "Use a picture of exactly one person."}
	front     = text{"", "Use a picture of the person looking straight into the camera, with the whole face visible."}
	onePersZH = text{"", "请使用只有一个人的照片。"}
	frontZH   = text{"", "请使用正面直视镜头、面部完整可见的照片。"}
)

func because(en string, enFix text, zh string, zhFix text) entry {
	return entry{en: text{en, enFix.fix}, zh: text{zh, zhFix.fix}}
}

func fix(s string) text { return text{"", s} }

// reasons are looked through in their order; the first that fits counts. Those
// with a message stand above those of the same code without.
// Sources: https://help.aliyun.com/zh/model-studio/emo-api,
// https://help.aliyun.com/zh/model-studio/emo-detect-api and
// https://help.aliyun.com/zh/model-studio/error-code (2025).
var reasons = []reason{
	// Several persons, or none.
	{[]string{"InvalidFile.Content"}, "multi human", because("{picture} shows several people.", onePerson, "{picture}中有多个人。", onePersZH)},
	{[]string{"InvalidFile.MultiHuman"}, "", because("{picture} shows several people.", onePerson, "{picture}中有多个人。", onePersZH)},
	{[]string{"InvalidFile.Content", "InvalidFile.NoHuman", "InvalidPerson"}, "",
		because("No person was found in {picture}.", fix("Use a clear picture of one person. Drawings, masks and animals are often not recognised."),
			"{picture}中没有检测到人物。", fix("请使用清晰的单人照片；插画、面具、动物等可能无法识别。"))},
	{[]string{"InvalidImage.NoHumanFace"}, "", because("No face was found in {picture}.", front, "{picture}中没有检测到人脸。", frontZH)},
	{nil, "no human face", because("No face was found in {picture}.", front, "{picture}中没有检测到人脸。", frontZH)},

	// How the person stands in the picture.
	{[]string{"InvalidFile.BodyProportion"}, "", because("The person in {picture} is too large or too small.", fix("Use a picture from the chest up, with some room around the head."),
		"{picture}中的人物占比过大或过小。", fix("请使用胸部以上、头部四周留有空间的照片。"))},
	{[]string{"InvalidFile.FrontBody"}, "", because("The person in {picture} is turned away from the camera.", front, "{picture}中的人物没有正对镜头。", frontZH)},
	{[]string{"InvalidFile.FullFace"}, "", because("The face in {picture} is not wholly visible.", fix("Use a picture in which nothing covers the face: no hand, mask, hair or edge of the picture."),
		"{picture}中的面部不完整。", fix("请使用面部没有被手、口罩、头发或画面边缘遮挡的照片。"))},
	{[]string{"InvalidFile.FacePose"}, "", because("The face in {picture} is turned or tilted too far.", front, "{picture}中的面部偏转角度过大。", frontZH)},
	{[]string{"InvalidFile.FullBody", "InvalidFile.BodyPose"}, "", because("{picture} does not show enough of the body for a 3:4 film.", fix("Use a picture that shows the upper body, or order a 1:1 film."),
		"{picture}中的身体部分不足以制作 3:4 视频。", fix("请使用露出上半身的照片，或改为制作 1:1 视频。"))},

	// The picture as a file.
	{[]string{"InvalidFile.Resolution", "InvalidFile.ImageSize", "InvalidImage.ImageSize", "InvalidImageResolution", "InvalidFile.AspectRatio"}, "",
		because("The size of {picture} does not suit the video service.", fix("Use a picture with sides of 400 to 7000 pixels and an ordinary shape."),
			"{picture}的尺寸不符合视频服务的要求。", fix("请使用每边 400 至 7000 像素、比例正常的图片。"))},
	{nil, "image size is not supported", because("The size of {picture} does not suit the video service.", fix("Use a picture with sides of 400 to 7000 pixels."),
		"{picture}的尺寸不符合视频服务的要求。", fix("请使用每边 400 至 7000 像素的图片。"))},
	{[]string{"InvalidFile.Value"}, "", because("{picture} is too dark or not clear enough.", fix("Use a brighter, sharper picture."),
		"{picture}过暗或不够清晰。", fix("请使用更明亮、更清晰的照片。"))},
	{[]string{"InvalidImage.FileFormat", "InvalidImageFormat", "InvalidFile.Openerror"}, "", because("The video service cannot open {picture}.", fix("Save the picture anew as JPEG and upload that."),
		"视频服务无法打开{picture}。", fix("请将图片另存为 JPEG 后重新上传。"))},
	{nil, "failed to decode the image", because("The video service cannot open {picture}.", fix("Save the picture anew as JPEG and upload that."),
		"视频服务无法打开{picture}。", fix("请将图片另存为 JPEG 后重新上传。"))},

	// The recording.
	{[]string{"InvalidURL"}, "longer than", because("The video service finds {recording} longer than 60 seconds.", fix("Cut it to less than 60 seconds and upload it again."),
		"视频服务认为{recording}超过 60 秒。", fix("请剪短到 60 秒以内后重新上传。"))},
	{[]string{"InvalidFile.Duration", "InvalidFile.AudioLengthError", "InvalidInputLength"}, "", because("The length of {recording} does not suit the video service.", fix("Use a recording of at least a few and at most 60 seconds."),
		"{recording}的时长不符合视频服务的要求。", fix("请使用数秒以上、60 秒以内的录音。"))},
	{[]string{"InvalidURL"}, "shorter than", because("The video service finds {recording} too short.", fix("Use a recording of at least a few seconds."),
		"视频服务认为{recording}过短。", fix("请使用至少数秒的录音。"))},
	{[]string{"InvalidURL"}, "larger than", because("The video service finds {recording} larger than 15 MB.", fix("Save it as MP3 and upload it again."),
		"视频服务认为{recording}超过 15 MB。", fix("请另存为 MP3 后重新上传。"))},
	{[]string{"InvalidURL"}, "file type is not supported", because("The video service takes {recording} for neither WAV nor MP3.", fix("Save it anew as MP3 or WAV and upload that."),
		"视频服务认为{recording}不是 WAV 或 MP3。", fix("请重新保存为 MP3 或 WAV 后上传。"))},

	{[]string{"Audio.DecoderError"}, "", because("The video service cannot read {recording}.", fix("Save it anew as MP3 or as plain WAV (PCM) and upload that."),
		"视频服务无法读取{recording}。", fix("请重新保存为 MP3 或普通 WAV（PCM）后上传。"))},
	{nil, "audio format is illegal", because("The video service cannot read {recording}.", fix("Save it anew as MP3 or as plain WAV (PCM) and upload that."),
		"视频服务无法读取{recording}。", fix("请重新保存为 MP3 或普通 WAV（PCM）后上传。"))},

	// Links that did not work: never the files' own fault.
	{[]string{"InvalidURL"}, "image format is one of", because("The video service could not download the files of “{name}”, or does not take the picture's format.",
		fix("Save the picture as JPEG. "+againEN), "视频服务无法下载“{name}”的文件，或不支持图片的格式。", fix("请将图片另存为 JPEG。"+againZH))},
	{[]string{"InvalidURL"}, "required url is missing", because("The video service found the links to the files of “{name}” missing or invalid.",
		fix("The files are probably fine: "+strings.ToLower(askEN[:1])+askEN[1:]+". "+againEN), "视频服务认为“{name}”的文件链接缺失或无效。", fix("文件很可能没有问题，"+askZH+"。"+againZH))},

	// Both.
	{[]string{"InvalidFile.Size", "EntityTooLarge"}, "", because("The video service finds the picture or the recording of “{name}” too large.", fix("Save the picture as JPEG and the recording as MP3, of at most 15 MB each, and upload both."),
		"视频服务认为“{name}”的图片或录音文件过大。", fix("请将图片另存为 JPEG、录音另存为 MP3，各不超过 15 MB，然后重新上传。"))},
	{[]string{"InvalidFile.Format", "BadRequest.UnsupportedFileFormat"}, "", because("The video service cannot read the picture or the recording of “{name}”.", fix("Save the picture as JPEG and the recording as MP3, and upload both."),
		"视频服务无法读取“{name}”的图片或录音。", fix("请将图片另存为 JPEG、录音另存为 MP3 后重新上传。"))},
	{nil, "file format is illegal", because("The video service cannot read the picture or the recording of “{name}”.", fix("Save the picture as JPEG and the recording as MP3, and upload both."),
		"视频服务无法读取“{name}”的图片或录音。", fix("请将图片另存为 JPEG、录音另存为 MP3 后重新上传。"))},
	{nil, "media format is not supported", because("The video service cannot read the picture or the recording of “{name}”.", fix("Save the picture as JPEG and the recording as MP3, and upload both."),
		"视频服务无法读取“{name}”的图片或录音。", fix("请将图片另存为 JPEG、录音另存为 MP3 后重新上传。"))},
	{[]string{"DataInspectionFailed", "data_inspection_failed", "CustomRoleBlocked", "FaqRuleBlocked"}, "", because("The video service's content check does not let the files of “{name}” pass.",
		fix("Use another picture or another recording."), "“{name}”的文件未通过视频服务的内容安全审核。", fix("请更换图片或录音。"))},
	{nil, "green network verification", because("The video service's content check does not let the files of “{name}” pass.",
		fix("Use another picture or another recording."), "“{name}”的文件未通过视频服务的内容安全审核。", fix("请更换图片或录音。"))},
	{[]string{"IPInfringementSuspect"}, "", because("The video service suspects that the files of “{name}” infringe somebody's rights.",
		fix("Use a picture and a recording that are yours to use."), "视频服务认为“{name}”的文件可能侵犯他人权益。", fix("请使用您有权使用的图片和录音。"))},
}

// reasonOf finds what the service's own words say of a fault.
func reasonOf(f job.Fault) (entry, bool) {
	if !refinable(f.Code) {
		return entry{}, false
	}
	code, message := strings.TrimSpace(f.VendorCode), strings.ToLower(f.VendorMessage)
	for _, r := range reasons {
		if r.fits(code, message) {
			return r.entry, true
		}
	}
	return entry{}, false
}

func (r reason) fits(code, message string) bool {
	if !strings.Contains(message, r.message) {
		return false
	}
	for _, c := range r.codes {
		if strings.EqualFold(c, code) {
			return true
		}
	}
	return len(r.codes) == 0
}
