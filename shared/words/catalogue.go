package words

import (
	"strings"

	"emodrop/shared/job"
)

// entry is what one code says: the cause and the way out, in every language. {file}
// is the name of the file at fault, {detail} the fact, {name} the hand-in.
type entry struct {
	what, fix map[Lang]string
}

func say(enWhat, enFix, zhWhat, zhFix string) entry {
	return entry{map[Lang]string{English: enWhat, Chinese: zhWhat}, map[Lang]string{English: enFix, Chinese: zhFix}}
}

// catalogue is every code of ours.
func catalogue(code string) (entry, bool) {
	switch code {
	case job.CodeEmpty:
		return say("{file} is empty.", "Upload the file again, whole.",
			"{file} 是空文件。", "请重新上传完整的文件。"), true
	case job.CodeTooLarge:
		return say("{file} is too large: {detail}.", "Make it smaller and upload it again: MP3 is much smaller than WAV, JPEG than PNG.",
			"{file} 太大：{detail}。", "请压缩后重新上传：MP3 比 WAV 小得多，JPEG 比 PNG 小得多。"), true
	case job.CodeNotImage:
		return say("{file} is named like a picture, but it is none (it looks like: {detail}).", "Upload a JPEG, PNG, BMP or WebP picture under this name.",
			"{file} 的名字是图片，但内容不是图片（看起来是：{detail}）。", "请用这个名字上传 JPEG、PNG、BMP 或 WebP 图片。"), true
	case job.CodeNotAudio:
		return say("{file} is named like a recording, but it is none (it looks like: {detail}).", "Upload an MP3 or WAV recording under this name.",
			"{file} 的名字是录音，但内容不是录音（看起来是：{detail}）。", "请用这个名字上传 MP3 或 WAV 录音。"), true
	case job.CodeUnknownFormat:
		return say("{file} is in a format that cannot be used: {detail}.", "Use JPEG, PNG, BMP or WebP for pictures, MP3 or WAV for recordings.",
			"{file} 的格式不能使用：{detail}。", "图片请用 JPEG、PNG、BMP 或 WebP，录音请用 MP3 或 WAV。"), true
	case job.CodeTruncated:
		return say("{file} is cut off: {detail}.", "The upload or the export broke off; make the file again and upload it whole.",
			"{file} 不完整：{detail}。", "上传或导出中断了，请重新生成文件并完整上传。"), true
	case job.CodeCorrupt:
		return say("{file} is damaged: {detail}.", "Open it in a program that can read it, save it anew and upload that.",
			"{file} 已损坏：{detail}。", "请用能打开它的软件重新保存，然后再上传。"), true
	case job.CodeUnsupportedCode:
		return say("{file} is coded in a way that cannot be used: {detail}.", "Save it as plain PCM WAV or as MP3 and upload that.",
			"{file} 的编码不能使用：{detail}。", "请另存为普通 PCM WAV 或 MP3 后再上传。"), true
	case job.CodeNoSound:
		return say("{file} holds no sound.", "Record it again and upload it.",
			"{file} 里没有声音。", "请重新录音后上传。"), true
	case job.CodeImageTooSmall:
		return say("{file} is too small: {detail} pixels on the shorter side.", "Use a picture with at least 400 pixels on each side; enlarging a small one does not help the film.",
			"{file} 太小：{detail} 像素（短边）。", "请使用每边至少 400 像素的图片；把小图放大对视频没有帮助。"), true
	case job.CodeImageTooBig:
		return say("{file} is too big: {detail} pixels on the longer side.", "Scale it down to at most 7000 pixels and upload it again.",
			"{file} 尺寸太大：{detail} 像素（长边）。", "请缩小到每边不超过 7000 像素后重新上传。"), true
	case job.CodeAudioTooLong:
		return say("{file} is too long: {detail}.", "Cut it, or split it into several recordings of at most 60 seconds.",
			"{file} 太长：{detail}。", "请剪短，或分成几段不超过 60 秒的录音。"), true
	case job.CodeFileGone:
		return say("{file} was deleted before it was sent.", "Upload it again.",
			"{file} 在发送之前被删除了。", "请重新上传。"), true
	case job.CodeUnreadable:
		return say("{file} could not be copied to the vendor, again and again for a day.", "Upload it again; if it goes on, tell whoever runs the stack: the functions may lack the right to read it.",
			"{file} 在一天之内多次无法复制给服务商。", "请重新上传；如果仍然失败，请联系管理员：函数可能没有读取权限。"), true
	case job.CodeReplaced:
		return say("A newer file was handed in under the name {name}, so this one was taken back.", "Nothing to do: the newer one is on its way.",
			"{name} 有了更新的文件，所以这一次已撤回。", "无需操作：新的文件正在处理。"), true
	case job.CodeAudioMissing:
		return say("{file} waits for a recording of the same name.", "Upload {name}.mp3 or {name}.wav. If this picture is for several recordings, name it portrait.jpg.",
			"{file} 在等待同名的录音。", "请上传 {name}.mp3 或 {name}.wav。如果这张图片用于多段录音，请命名为 portrait.jpg。"), true
	case job.CodePictureMissing:
		return say("{file} waits for a picture of the same name, or for a portrait of its folder.", "Upload {name}.jpg, or portrait.jpg for the whole folder.",
			"{file} 在等待同名的图片，或该文件夹的 portrait 图片。", "请上传 {name}.jpg，或为整个文件夹上传 portrait.jpg。"), true
	case job.CodeTooLate:
		return say("{file} came too late: the recording had already been sent with the folder's portrait.", "If you want a film with this picture too, upload the recording under another name together with it.",
			"{file} 来得太晚：录音已经和文件夹的 portrait 图片一起发送了。", "如果还想用这张图片制作视频，请把录音换一个名字，和图片一起上传。"), true
	case job.CodeUnknownFile:
		return say("{file} is of no kind that is used here.", "Pictures are .jpg, .jpeg, .png, .bmp or .webp, recordings .mp3 or .wav. Rename the file, or leave it.",
			"{file} 不是这里使用的文件类型。", "图片为 .jpg、.jpeg、.png、.bmp 或 .webp，录音为 .mp3 或 .wav。请改名，或忽略此提示。"), true
	case job.CodeFaceRefused:
		return say("The portrait {file} cannot be used.", "Use a clear, well-lit picture of one person who looks into the camera, with the whole face visible.",
			"图片 {file} 不能使用。", "请使用一张清晰、光线好、单人、正面、面部完整的照片。"), true
	case job.CodeDetectFails:
		return say("The check of the portrait of {name} kept failing at the vendor.", "The files are probably fine. Upload one of them again later; if it goes on, tell whoever runs the stack.",
			"{name} 的图片检测在服务商处一直失败。", "文件很可能没有问题。请稍后重新上传其中一个；如果仍然失败，请联系管理员。"), true
	case job.CodeInputRefused:
		return say("The vendor refuses the files of {name}.", "Read the vendor's reason, change the picture or the recording, and upload it again.",
			"服务商拒绝了 {name} 的文件。", "请根据服务商给出的原因修改图片或录音，然后重新上传。"), true
	case job.CodeVendorRefused:
		return say("The vendor refuses to make the film of {name}, and not for its files.", "Tell whoever runs the stack: the vendor's code says what is wrong.",
			"服务商拒绝为 {name} 制作视频，原因不在文件。", "请联系管理员：服务商的错误码说明了原因。"), true
	case job.CodeVendorFailed:
		return say("The vendor tried to make the film of {name} several times and failed.", "Upload one of the files again later. If it goes on, try another picture.",
			"服务商多次尝试制作 {name} 的视频都失败了。", "请稍后重新上传其中一个文件；如果仍然失败，请换一张图片。"), true
	case job.CodeCannotDownload:
		return say("The vendor could not download the files of {name} from this bucket.", "Upload one of the files again later. Whoever runs the stack can move the transfer to the vendor's own storage.",
			"服务商无法从本存储桶下载 {name} 的文件。", "请稍后重新上传其中一个文件。管理员可以改用服务商的临时存储来传输。"), true
	case job.CodeVendorCanceled:
		return say("Somebody canceled the film of {name} at the vendor.", "Upload one of the files again if the film is still wanted.",
			"有人在服务商处取消了 {name} 的视频任务。", "如果仍然需要，请重新上传其中一个文件。"), true
	case job.CodeVendorLost:
		return say("The vendor no longer knows the task of {name}.", "Look into the vendor's bill before you upload it again: the film may have been charged.",
			"服务商找不到 {name} 的任务了。", "重新上传前请先查看服务商账单：这段视频可能已经计费。"), true
	case job.CodeTaskExpired:
		return say("The vendor did not finish the film of {name} within a day.", "Look into the vendor's bill before you upload it again: the film may have been charged.",
			"服务商一天之内没有完成 {name} 的视频。", "重新上传前请先查看服务商账单：这段视频可能已经计费。"), true
	case job.CodeLinkEnded:
		return say("The film of {name} was made, but its link ended before it could be copied.", "It was paid for. Ask the vendor's support with the task id; uploading it again is paid again.",
			"{name} 的视频已经完成，但链接在复制之前失效了。", "这段视频已经付费。请带着任务 ID 联系服务商；重新上传会再次计费。"), true
	case job.CodeAmbiguous:
		return say("Nobody can tell which of several tasks at the vendor is the one of {name}.", "Whoever runs the stack has to decide: adopt one of the tasks, or post it again and accept a possible second charge.",
			"无法确定服务商处的哪一个任务属于 {name}。", "需要管理员决定：认领其中一个任务，或接受可能的二次计费重新提交。"), true
	case job.CodeFilmMisfit:
		return say("The film that came back for {name} does not fit what was asked for: {detail}.", "Whoever runs the stack has to look at it and decide.",
			"返回的 {name} 视频与请求不符：{detail}。", "需要管理员查看后决定。"), true
	case job.CodeKeyRefused:
		return say("The vendor refuses the API key.", "Put a valid key of the Beijing region into the secret; the queue goes on by itself.",
			"服务商拒绝了 API 密钥。", "请在密钥服务中放入有效的北京地域密钥；队列会自动继续。"), true
	case job.CodeNoMoney:
		return say("The vendor's account is overdue or its quota is used up.", "Settle the account; the queue goes on by itself.",
			"服务商账户欠费或额度已用完。", "请充值或开通付费；队列会自动继续。"), true
	case job.CodeNoAccess:
		return say("The vendor does not give this account access to the model.", "Activate the model in the vendor's console; the queue goes on by itself.",
			"服务商没有为此账户开通该模型。", "请在服务商控制台开通模型；队列会自动继续。"), true
	case job.CodePaused:
		return say("Sending was paused by hand.", "Resume it when you are ready.",
			"已手动暂停发送。", "准备好后请恢复。"), true
	}
	return entry{}, false
}

// reason is what the vendor's own code says more, for portraits and recordings.
// Sources: https://help.aliyun.com/zh/model-studio/emo-api,
// https://help.aliyun.com/zh/model-studio/emo-detect-api and
// https://help.aliyun.com/zh/model-studio/error-code (2025).
type reason struct {
	code, fragment string
	entry
}

func reasons() []reason {
	r := func(code, fragment, enWhat, enFix, zhWhat, zhFix string) reason {
		return reason{code, fragment, say(enWhat, enFix, zhWhat, zhFix)}
	}
	const (
		onePersonEN = "Use a picture that shows exactly one person."
		onePersonZH = "请使用只有一个人的图片。"
		frontEN     = "Use a picture of the person looking straight into the camera, with the whole face visible."
		frontZH     = "请使用正面直视镜头、面部完整可见的照片。"
	)
	return []reason{
		r("InvalidFile.Content", "multi human", "{file} shows several people.", onePersonEN, "{file} 里有多个人。", onePersonZH),
		r("InvalidFile.Content", "", "No person was found in {file}.", onePersonEN, "在 {file} 里没有找到人。", onePersonZH),
		r("InvalidFile.NoHuman", "", "No person was found in {file}.", onePersonEN, "在 {file} 里没有找到人。", onePersonZH),
		r("InvalidFile.MultiHuman", "", "{file} shows several people.", onePersonEN, "{file} 里有多个人。", onePersonZH),
		r("InvalidFile.BodyProportion", "", "The person in {file} is too large or too small in the picture.", "Use a picture from the chest up, with some room around the head.",
			"{file} 里的人物过大或过小。", "请使用胸部以上、头部周围留有空间的照片。"),
		r("InvalidFile.Resolution", "", "The size of {file} does not fit.", "Use a picture with sides of 400 to 7000 pixels.", "{file} 的尺寸不符合要求。", "请使用每边 400 到 7000 像素的图片。"),
		r("InvalidFile.Value", "", "{file} is too dark or unclear.", "Use a brighter, sharper picture.", "{file} 太暗或不清晰。", "请使用更明亮、更清晰的图片。"),
		r("InvalidFile.FrontBody", "", "The person in {file} is turned away from the camera.", frontEN, "{file} 里的人背对或侧对镜头。", frontZH),
		r("InvalidFile.FullFace", "", "The face in {file} is not wholly visible.", frontEN, "{file} 里的面部不完整。", frontZH),
		r("InvalidFile.FacePose", "", "The face in {file} is turned too far.", frontEN, "{file} 里的面部角度过大。", frontZH),
		r("InvalidFile.FullBody", "", "{file} does not show enough of the body for a 3:4 film.", "Use a picture that shows more of the body, or make a 1:1 film.",
			"{file} 的身体部分不足以制作 3:4 视频。", "请使用露出更多身体的图片，或制作 1:1 视频。"),
		r("DataInspectionFailed", "", "The vendor's content check refuses the files of {name}.", "Use another picture or another recording.",
			"{name} 的文件没有通过服务商的内容审核。", "请更换图片或录音。"),
		r("InvalidURL", "longer than 60s", "The vendor finds the recording of {name} longer than 60 seconds.", "Cut it below 60 seconds and upload it again.",
			"服务商认为 {name} 的录音超过 60 秒。", "请剪到 60 秒以内后重新上传。"),
		r("InvalidURL", "larger than 15mb", "The vendor finds the recording of {name} larger than 15 MB.", "Save it as MP3 and upload it again.",
			"服务商认为 {name} 的录音超过 15 MB。", "请另存为 MP3 后重新上传。"),
		r("InvalidURL", "file type is not supported", "The vendor takes the recording of {name} for neither WAV nor MP3.", "Save it anew as MP3 or WAV and upload that.",
			"服务商认为 {name} 的录音不是 WAV 或 MP3。", "请重新保存为 MP3 或 WAV 后上传。"),
	}
}

// Explain says what went wrong and what to do, in plain words. name is the
// hand-in's, for texts that speak of the whole.
func Explain(f job.Fault, name job.Name, lang Lang) (what, fix string) {
	e, ok := catalogue(f.Code)
	if !ok {
		e = say("{name} could not be finished ("+f.Code+").", "Tell whoever runs the stack.",
			"{name} 未能完成（"+f.Code+"）。", "请联系管理员。")
	}
	if f.Code == job.CodeFaceRefused || f.Code == job.CodeInputRefused {
		for _, r := range reasons() {
			if r.code == f.VendorCode && strings.Contains(strings.ToLower(f.VendorMessage), r.fragment) {
				e = r.entry
				break
			}
		}
	}
	if _, ok := e.what[lang]; !ok {
		lang = English
	}
	file := f.File
	if file == "" {
		file = name.String()
	}
	detail := f.Detail
	if detail == "" {
		detail = map[Lang]string{English: "no more is known", Chinese: "没有更多信息"}[lang]
	}
	fill := strings.NewReplacer("{file}", file, "{detail}", detail, "{name}", name.String())
	what, fix = fill.Replace(e.what[lang]), fill.Replace(e.fix[lang])
	if f.VendorCode != "" {
		says := map[Lang]string{English: " The vendor's code: ", Chinese: " 服务商错误码："}[lang]
		end := map[Lang]string{English: ".", Chinese: "。"}[lang]
		what += says + f.VendorCode + end
	}
	return what, fix
}

// State is a job's state in a few words.
func State(s job.State, lang Lang) string {
	en := map[job.State]string{job.Received: "checking", job.Queued: "waiting", job.Submitting: "being sent", job.Submitted: "waiting at the vendor",
		job.Running: "being made", job.Storing: "being brought home", job.Held: "needs a person", job.Succeeded: "done", job.Failed: "failed",
		job.Rejected: "refused", job.Canceled: "canceled", job.Expired: "lost"}
	zh := map[job.State]string{job.Received: "检查中", job.Queued: "排队中", job.Submitting: "提交中", job.Submitted: "服务商排队中",
		job.Running: "生成中", job.Storing: "取回中", job.Held: "需要人工处理", job.Succeeded: "已完成", job.Failed: "失败",
		job.Rejected: "已拒绝", job.Canceled: "已取消", job.Expired: "已丢失"}
	if lang == Chinese {
		return zh[s]
	}
	return en[s]
}
