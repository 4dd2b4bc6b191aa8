package words

import "emodrop/shared/job"

// text is what one code says in one language: what happened and the way out.
//
// {file} is the file at fault and {name} the hand-in; {picture} and {recording} are
// the file at fault, or the hand-in's picture or recording when no file is named;
// {detail} is the fact. What stands in square brackets is left out when there is no
// fact.
type text struct{ what, fix string }

// entry is a code in every language, and what holds wherever it stands: what is charged,
// and what happens by itself.
type entry struct {
	en, zh text
	charge charging
	again  again
}

func (e entry) in(lang Lang) text {
	if lang == Chinese {
		return e.zh
	}
	return e.en
}

// The same content under the same name is the same job for ever, so "upload it
// again" would be idle advice wherever the files were not to blame.
const (
	againEN = "To try again, ask whoever runs this stack for a retry (emodrop retry), or upload the files under a new name: the same files under the same name count as the same order."
	againZH = "如需重试，可请管理员重试（emodrop retry），或换一个名称重新上传：名称和内容都相同的文件视为同一个任务，不会重新制作。"
	askEN   = "Ask whoever runs this stack"
	askZH   = "请联系管理员"
)

// catalogue is what every code of package job says.
var catalogue = map[string]entry{
	// Of files.
	job.CodeEmpty: {
		text{"“{file}” is empty.", "Upload the whole file again."},
		text{"“{file}”是空文件。", "请重新上传完整的文件。"},
		free, otherFiles,
	},
	job.CodeTooLarge: {
		text{"“{file}” is too large[: {detail}].", "Make it smaller and upload it again. MP3 is much smaller than WAV, and JPEG than PNG or BMP."},
		text{"“{file}”文件过大[：{detail}]。", "请压缩后重新上传。MP3 比 WAV 小得多，JPEG 比 PNG、BMP 小得多。"},
		free, otherFiles,
	},
	job.CodeNotImage: {
		text{"“{file}” has a picture's name but holds no picture we can use[ (it looks like: {detail})].", "Save it as JPEG, PNG, BMP or WebP and upload that. Renaming alone does not change a file's format."},
		text{"“{file}”的名称像图片，内容却不是可用的图片[（看起来是：{detail}）]。", "请另存为 JPEG、PNG、BMP 或 WebP 后上传；仅修改文件名不会改变文件格式。"},
		free, otherFiles,
	},
	job.CodeNotAudio: {
		text{"“{file}” has a recording's name but holds no recording we can use[ (it looks like: {detail})].", "Save it as MP3 or WAV and upload that. Renaming alone does not change a file's format."},
		text{"“{file}”的名称像录音，内容却不是可用的录音[（看起来是：{detail}）]。", "请另存为 MP3 或 WAV 后上传；仅修改文件名不会改变文件格式。"},
		free, otherFiles,
	},
	job.CodeUnknownFormat: {
		text{"“{file}” is in a format that cannot be used[: {detail}].", "Pictures can be JPEG, PNG, BMP or WebP, recordings MP3 or WAV. Save the file in one of these and upload that."},
		text{"“{file}”的格式无法使用[：{detail}]。", "图片支持 JPEG、PNG、BMP、WebP，录音支持 MP3、WAV。请转换格式后上传。"},
		free, otherFiles,
	},
	job.CodeTruncated: {
		text{"“{file}” is cut off: its end is missing[ ({detail})].", "The export or the copy broke off. Export the file again and upload it whole."},
		text{"“{file}”不完整，缺少结尾部分[（{detail}）]。", "导出或复制过程可能中断，请重新导出并完整上传。"},
		free, otherFiles,
	},
	job.CodeCorrupt: {
		text{"“{file}” is damaged[: {detail}].", "Open it in a program that can still read it, save it anew, and upload that."},
		text{"“{file}”已损坏[：{detail}]。", "请用能打开它的软件重新保存，再上传新文件。"},
		free, otherFiles,
	},
	job.CodeUnsupportedCode: {
		text{"“{file}” is encoded in a way that cannot be used[: {detail}].", "Save it as MP3 or as plain WAV (PCM) and upload that."},
		text{"“{file}”的编码方式无法使用[：{detail}]。", "请另存为 MP3 或普通 WAV（PCM）后上传。"},
		free, otherFiles,
	},
	job.CodeNoSound: {
		text{"“{file}” has no sound in it.", "Record it again, listen to it once, and upload it."},
		text{"“{file}”中没有声音。", "请重新录制，试听无误后上传。"},
		free, otherFiles,
	},
	job.CodeImageTooSmall: {
		text{"“{file}” is too small[: {detail} pixels].", "Use a picture with at least 400 pixels on its shorter side. Enlarging a small one makes a blurred film."},
		text{"“{file}”尺寸过小[：{detail} 像素]。", "请使用短边不少于 400 像素的图片；放大小图只会得到模糊的视频。"},
		free, otherFiles,
	},
	job.CodeImageTooBig: {
		text{"“{file}” is too big[: {detail} pixels].", "Scale it down to at most 7000 pixels on its longer side and upload it again."},
		text{"“{file}”尺寸过大[：{detail} 像素]。", "请缩小到长边不超过 7000 像素后重新上传。"},
		free, otherFiles,
	},
	job.CodeAudioTooLong: {
		text{"“{file}” is too long[: {detail}].", "Shorten it, or split it into several recordings of at most 60 seconds; each makes a film of its own."},
		text{"“{file}”时长过长[：{detail}]。", "请剪短，或拆分为多段不超过 60 秒的录音，每段生成一个视频。"},
		free, otherFiles,
	},
	job.CodeFileGone: {
		text{"“{file}” was deleted or replaced before the film could be made.", "Upload it again together with its other half, and leave both in the inbox until the film is there."},
		text{"“{file}”在视频制作之前已被删除或替换。", "请将图片和录音一起重新上传，并在视频完成之前保留在收件桶中。"},
		check, over,
	},
	job.CodeUnreadable: {
		text{"“{file}” could not be read from the inbox, however often it was tried.", askEN + " to look at the inbox's permissions and encryption. " + againEN},
		text{"多次尝试后仍无法从收件桶读取“{file}”。", askZH + "检查收件桶的权限和加密设置。" + againZH},
		check, tried,
	},
	job.CodeReplaced: {
		text{"Newer files came under the name “{name}” before this film was begun, so it was called off.", "Nothing to do: the film is made from the newer files."},
		text{"在开始制作之前，“{name}”有了更新的文件，因此本次制作已取消。", "无需操作：将使用更新的文件制作视频。"},
		check, over,
	},
	// Of a task that no job can use.
	job.CodeTaskOrphaned: {
		text{"The video service made a film for “{name}” that came too late to be used: its order had been given up for lost, and the film was ordered again.",
			"Nothing to do for this film. If it happens often, tell whoever runs this stack: the service's task list is slower than the quiet period allows for."},
		text{"视频服务为“{name}”生成的一个视频来得太晚，无法使用：该任务已被视为丢失，并重新提交过。",
			"该视频无需处理。如经常发生，请告知管理员：服务的任务列表比系统设定的静默期更慢。"},
		paid, over,
	},
	// Of hand-ins that are no job.
	job.CodeAudioMissing: {
		text{"“{file}” is waiting for a recording of the same name.", "Upload the recording as “{name}.mp3” or “{name}.wav”[. The closest names there: {detail}]. If this picture is meant for all recordings of its folder, name it portrait.jpg."},
		text{"“{file}”正在等待同名的录音。", "请上传录音，命名为“{name}.mp3”或“{name}.wav”[；名称最接近的文件：{detail}]。如果这张图片用于整个文件夹的录音，请将其命名为 portrait.jpg。"},
		free, otherHalf,
	},
	job.CodePictureMissing: {
		text{"“{file}” is waiting for a picture.", "Upload a picture as “{name}.jpg”, or one called portrait.jpg for all recordings of the folder[. The closest names there: {detail}]."},
		text{"“{file}”正在等待图片。", "请上传图片并命名为“{name}.jpg”；或上传 portrait.jpg，供该文件夹的所有录音使用[；名称最接近的文件：{detail}]。"},
		free, otherHalf,
	},
	job.CodeTooLate: {
		text{"“{file}” came too late: its recording had already been sent with the folder's portrait.", "For a film with this picture, upload picture and recording together under a new name. It is charged as a film of its own."},
		text{"“{file}”来得太晚：对应的录音已使用文件夹的 portrait 图片提交。", "如需用这张图片制作视频，请将图片和录音换一个名称一起上传，费用另计。"},
		free, over,
	},
	job.CodeUnknownFile: {
		text{"“{file}” is not a kind of file that films are made of.", "Pictures end in .jpg, .jpeg, .png, .bmp or .webp, recordings in .mp3 or .wav; lists of many films in .jobs.csv or .jobs.jsonl, requests in .cancel or .retry, with nothing behind. Save the file as one of these, or leave it: it does no harm."},
		text{"“{file}”不是可用于制作视频的文件类型。", "图片请使用 .jpg、.jpeg、.png、.bmp 或 .webp，录音请使用 .mp3 或 .wav；批量清单以 .jobs.csv 或 .jobs.jsonl 结尾，取消和重试以 .cancel、.retry 结尾，其后不能再有扩展名。请按此保存后上传；也可忽略，不影响其他文件。"},
		free, over,
	},
	job.CodeFilesMissing: {
		text{"“{file}” holds options for “{name}”, of which there is neither a picture nor a recording.", "Upload “{name}.jpg” and “{name}.mp3” beside it[. The closest names there: {detail}]."},
		text{"“{file}”是“{name}”的选项文件，但没有对应的图片和录音。", "请在同一文件夹上传“{name}.jpg”和“{name}.mp3”[；名称最接近的文件：{detail}]。"},
		free, otherHalf,
	},
	// Of options.
	job.CodeOptionsRefused: {
		text{"The options in “{file}” cannot be used[: {detail}].", "Put that right and upload the file again. Nothing is made before: options are taken as a whole or not at all."},
		text{"“{file}”中的选项无法使用[：{detail}]。", "请修正后重新上传该文件。选项要么全部采用，要么全部不采用，因此在此之前不会制作。"},
		free, otherFiles,
	},
	job.CodeOptionsLate: {
		text{"The options in “{file}” came too late: its film had already been ordered without them.", "That film goes on as it was ordered. For one with these options, upload picture, recording and options under a new name; it is charged as a film of its own."},
		text{"“{file}”中的选项来得太晚：视频在此之前已经提交制作。", "已提交的视频按原选项完成。如需使用这些选项，请将图片、录音和选项文件换一个名称一起上传，费用另计。"},
		free, over,
	},
	// Of control objects.
	job.CodeControlAlone: {
		text{"“{file}” concerns nothing: there are no picture and recording of that name[. The closest names there: {detail}].", "Write it anew under the name of the recording, without its extension: anna.cancel for anna.mp3. For a row of a manifest it is the row's name, in the manifest's folder."},
		text{"“{file}”没有对应的任务：没有同名的图片和录音[；名称最接近的文件：{detail}]。", "请按录音的名称（不含扩展名）重新上传：anna.mp3 对应 anna.cancel。如是清单中的一行，请用该行的名称，放在清单所在的文件夹。"},
		itself, over,
	},
	job.CodeControlOld: {
		text{"“{file}” is older than what it would concern now: newer files came under its name, or the film was ordered anew, since it was written. So nothing was done.", "If it is still wanted, upload it again."},
		text{"“{file}”早于当前的任务：在它之后，同名文件已更新，或视频已重新制作。因此未作任何处理。", "如仍需要，请重新上传该文件。"},
		itself, over,
	},
	job.CodeCancelSending: {
		text{"“{file}” was not done: its film is being sent at this moment, so nobody can tell yet whether there is anything to cancel.", "Upload it again in a minute."},
		text{"“{file}”未执行：视频正在提交，暂时无法确定是否可以取消。", "请一分钟后重新上传该文件。"},
		itself, over,
	},
	job.CodeCancelLate: {
		text{"“{file}” came too late: the film is being made already, or is made, and is being paid for. So it is kept.", "Nothing to do: the film will be where films are."},
		text{"“{file}”来得太晚：视频已在制作或已生成，会计费，因此会保留。", "无需操作：视频完成后会出现在成品位置。"},
		itself, over,
	},
	job.CodeCancelHeld: {
		text{"“{file}” was not done: its film waits for a person to decide, and may have been paid for.", askEN + " to end it without a film (emodrop give-up)."},
		text{"“{file}”未执行：视频正在等待人工处理，可能已计费。", askZH + "放弃该视频（emodrop give-up）。"},
		itself, over,
	},
	job.CodeCancelEnded: {
		text{"“{file}” came too late: what it concerns has ended already.", "Nothing to do: its own record says how it ended."},
		text{"“{file}”来得太晚：对应的任务已经结束。", "无需操作：结果见任务自身的记录。"},
		itself, over,
	},
	job.CodeRetryOpen: {
		text{"“{file}” was not done: its film had not ended when it was written, and only what has ended can be tried again.", "Wait for its end, or take it back with a .cancel; then upload the file again."},
		text{"“{file}”未执行：上传时任务尚未结束，只有已结束的任务才能重试。", "请等待其结束，或先用 .cancel 取消，然后重新上传该文件。"},
		itself, over,
	},
	job.CodeRetryFilm: {
		text{"“{file}” was not done: its film is there.", "To have it made once more, at a further charge, upload picture and recording under a new name."},
		text{"“{file}”未执行：视频已经完成。", "如需再次制作（费用另计），请将图片和录音换一个名称上传。"},
		itself, over,
	},
	job.CodeRetryFiles: {
		text{"“{file}” was not done: what it concerns was refused for its files, and trying them again makes them no better.", "Upload files that can be used under that name; for a row of a manifest, put its files right and upload the manifest again."},
		text{"“{file}”未执行：对应的任务因文件无法使用而被拒绝，重试不会有改变。", "请用该名称上传可用的文件；如是清单中的一行，请修正其文件后重新上传清单。"},
		itself, over,
	},
	job.CodeRetryCharge: {
		text{"“{file}” was not done: its film may have been charged already, and a further one may be charged a second time.", "If that is right, write accept-charge into the file, nothing else, and upload it again."},
		text{"“{file}”未执行：视频可能已计费，再次制作可能会二次计费。", "如确认，请在文件中只写入 accept-charge，然后重新上传。"},
		itself, over,
	},
	job.CodeRetryUnread: {
		text{"“{file}” was not done: a file of this row of a manifest was never read, as it was not there or could not be read then.", "Upload the file if it is missing, and then the manifest again: rows that are made already are not made again."},
		text{"“{file}”未执行：清单该行的某个文件当时不存在或无法读取，因此从未读取过。", "如文件缺失请先上传，然后重新上传清单：已制作的行不会重复制作。"},
		itself, over,
	},
	// Of manifests, and of what their rows name.
	job.CodeManifestRefused: {
		text{"The manifest “{file}” cannot be used.", "Put the lines right that are listed, and upload it again. Nothing is made before: a manifest is taken as a whole or not at all."},
		text{"清单“{file}”无法使用。", "请修正所列各行后重新上传。清单要么全部采用，要么全部不采用，因此在此之前不会制作。"},
		free, otherFiles,
	},
	job.CodeManifestStuck: {
		text{"The rest of the manifest “{file}” was not taken in: whatever worked on it broke off each time[, after {detail} rows].", "Split it into smaller manifests and upload those. The rows that were taken in go on, and are not made again."},
		text{"清单“{file}”的其余部分未被接收：处理它的程序每次都中断[，已接收 {detail} 行]。", "请拆分为较小的清单后上传。已接收的行会继续，不会重复制作。"},
		itself, over,
	},
	job.CodeResultsLost: {
		text{"The results of the manifest “{file}” are not kept up to date any more: what they are put together from, under manifests/ in the outbox, has been deleted, and the results themselves are gone, too, or changed. The films are made all the same, and each is told.", "To have results again, upload the manifest again, with its files as they were: rows that are made already are not made again."},
		text{"清单“{file}”的结果文件不再更新：成品桶 manifests/ 下用于汇总结果的数据已被删除，结果文件本身也已被删除或改动。视频仍会照常制作并逐一通知。", "如需重新生成结果文件，请保持各文件不变，重新上传清单：已制作的行不会重复制作。"},
		itself, over,
	},
	job.CodeFileMissing: {
		text{"There is no “{file}” in the inbox[. The closest name there: {detail}].", "Upload it, or put its name in the manifest right, and upload the manifest again: rows that are made already are not made again."},
		text{"收件桶中没有“{file}”[；名称最接近的文件：{detail}]。", "请上传该文件，或修正清单中的文件名，然后重新上传清单：已制作的行不会重复制作。"},
		free, over,
	},
	// Of what a film would cost.
	job.CodeOverBudget: {
		text{"The film of “{name}” may cost more than the whole budget allows[: {detail}].", "Make the recording shorter; or ask whoever runs this stack to raise the budget, and for a retry then (emodrop retry)."},
		text{"“{name}”的视频费用可能超过全部预算[：{detail}]。", "请缩短录音；或请管理员提高预算后重试（emodrop retry）。"},
		check, over,
	},
	// Of portraits.
	job.CodeFaceRefused: {
		text{"The video service cannot use {picture} as a portrait.", "Use a sharp, well-lit picture of one person who looks into the camera, with the whole face visible."},
		text{"视频服务无法使用{picture}作为人像。", "请使用清晰、光线充足、正面直视镜头、面部完整的单人照片。"},
		check, otherFiles,
	},
	job.CodeDetectFails: {
		text{"The video service failed again and again to check {picture}.", "The files are probably fine. " + againEN},
		text{"视频服务多次检测{picture}均失败。", "文件很可能没有问题。" + againZH},
		check, tried,
	},
	// Of the service.
	job.CodeInputRefused: {
		text{"The video service refuses the files of “{name}”.", "See the service's own message, then upload another picture or recording."},
		text{"视频服务拒绝了“{name}”的文件。", "请根据视频服务返回的信息更换图片或录音后重新上传。"},
		check, otherFiles,
	},
	job.CodeVendorRefused: {
		text{"The video service refuses to make the film of “{name}”, for a reason that is not in its files.", askEN + ": the service's code and message say what is wrong."},
		text{"视频服务拒绝制作“{name}”的视频，原因不在文件本身。", askZH + "：视频服务返回的错误码和信息说明了原因。"},
		check, over,
	},
	job.CodeVendorFailed: {
		text{"The video service tried several times to make the film of “{name}” and failed.", againEN + " If it happens again, use another picture."},
		text{"视频服务多次尝试制作“{name}”的视频，均失败。", againZH + "如果仍然失败，请更换图片。"},
		check, tried,
	},
	job.CodeCannotDownload: {
		text{"The video service could not download the files of “{name}” from this stack's storage.", "The files are probably fine: from outside China the connection may be too slow. " + againEN},
		text{"视频服务无法从本系统的存储下载“{name}”的文件。", "文件很可能没有问题：从中国内地以外下载时，网络可能过慢。" + againZH},
		check, tried,
	},
	job.CodeVendorSilent: {
		text{"For a day the video service gave no answer when the film of “{name}” was ordered, and its list showed no order in time.", "The files are probably fine: the connection to the video service is too slow, or the service is out of order. " + againEN},
		text{"一天之内提交“{name}”的视频时，视频服务始终没有答复，其列表也未及时显示该任务。", "文件很可能没有问题：到视频服务的网络过慢，或其服务出现故障。" + againZH},
		check, tried,
	},
	job.CodeCannotUpload: {
		text{"“{file}” could not be brought to the video service's storage[: {detail}].", "The file is probably fine: the connection to the video service is too slow, its storage is out of order, or does not take files as large. " + againEN},
		text{"无法把“{file}”上传到视频服务的存储[：{detail}]。", "文件很可能没有问题：到视频服务的网络过慢、其存储出现故障，或文件超过其大小限制。" + againZH},
		check, tried,
	},
	job.CodeVendorCanceled: {
		text{"The task of “{name}” was canceled at the video service: by emodrop cancel, or in the service's console.", againEN},
		text{"“{name}”的任务在视频服务处被取消：通过 emodrop cancel，或在其控制台。", againZH},
		check, over,
	},
	job.CodeVendorLost: {
		text{"The video service no longer knows its task for “{name}”.", "It may have been charged: look at the service's bill first. " + againEN},
		text{"视频服务已查不到“{name}”的任务。", "该任务可能已计费，请先核对账单。" + againZH},
		perhaps, over,
	},
	job.CodeTaskExpired: {
		text{"The video service did not finish the film of “{name}” within a day, and has dropped its task.", "It may have been charged: look at the service's bill first. " + againEN},
		text{"视频服务未能在一天内完成“{name}”的视频，任务已失效。", "该任务可能已计费，请先核对账单。" + againZH},
		perhaps, over,
	},
	job.CodeLinkEnded: {
		text{"The film of “{name}” was made, but its download link ended before it could be copied.", "It was paid for. The service's support may restore it by the task's id; ordering it anew is charged again."},
		text{"“{name}”的视频已生成，但下载链接在取回之前失效。", "该视频已计费。可凭任务 ID 联系视频服务的技术支持尝试找回；重新制作会再次计费。"},
		paid, tried,
	},
	// Of jobs that need a person.
	job.CodeAmbiguous: {
		text{"It is not clear whether the video service took the order for “{name}”: several of its tasks could be the one[: {detail}].", askEN + " to decide: adopt one of the tasks (emodrop adopt), order the film again and risk a second charge (emodrop repost), or do without it (emodrop give-up). Until then nothing is sent for it."},
		text{"无法确定视频服务是否已接收“{name}”的任务：有多个任务都可能是它[：{detail}]。", askZH + "处理：认领其中一个任务（emodrop adopt），重新提交并承担可能的二次计费（emodrop repost），或放弃（emodrop give-up）。在此之前不会再次提交。"},
		perhaps, person,
	},
	job.CodeFilmMisfit: {
		text{"The film that came back for “{name}” is not what was ordered[: {detail}].", "It has been kept. " + askEN + " to accept it as it is (emodrop accept), to order it again (emodrop repost), or to give it up (emodrop give-up)."},
		text{"返回的“{name}”视频与要求不符[：{detail}]。", "视频已保留，" + askZH + "决定：按原样接受（emodrop accept）、重新制作（emodrop repost）或放弃（emodrop give-up）。"},
		paid, person,
	},
	// Of jobs that a person ended.
	job.CodeCanceled: {
		text{"The film of “{name}” was canceled before it was begun.", "Nothing to do. To have it made after all, upload an empty file called “{name}.retry”."},
		text{"“{name}”在开始制作之前已被取消。", "无需操作。如仍需制作，请上传名为“{name}.retry”的空文件。"},
		check, over,
	},
	job.CodeGivenUp: {
		text{"“{name}” was given up without a film.", "Nothing to do. To have it made after all, at a further charge, ask whoever runs this stack for a retry (emodrop retry)."},
		text{"“{name}”已放弃，没有视频。", "无需操作。如仍需制作（会再次计费），可请管理员重试（emodrop retry）。"},
		perhaps, over,
	},
	// Of the gate.
	job.CodeKeyRefused: {
		text{"The video service refuses the API key.", "Put a valid key of the Beijing region into the stack's secret. Waiting films go on by themselves."},
		text{"视频服务拒绝了 API Key。", "请在密钥中填入有效的北京地域 API Key，等待中的任务会自动继续。"},
		free, mended,
	},
	job.CodeNoMoney: {
		text{"The Alibaba Cloud account is overdue, or its quota is used up.", "Settle the account, or allow paid use in Model Studio. Waiting films go on by themselves."},
		text{"阿里云账户欠费，或免费额度已用完。", "请充值，或在百炼控制台开启付费调用，等待中的任务会自动继续。"},
		free, mended,
	},
	job.CodeNoAccess: {
		text{"The Alibaba Cloud account may not use the model.", "Activate the model in the Model Studio console of the Beijing region. Waiting films go on by themselves."},
		text{"阿里云账户没有该模型的使用权限。", "请在百炼控制台（北京地域）开通该模型，等待中的任务会自动继续。"},
		free, mended,
	},
	job.CodeBudget: {
		text{"The budget is used up[: {detail}]. What is left is not enough for the next film.", "Wait for the new day or month, or raise the budget (DailyBudget, MonthlyBudget). Waiting films go on by themselves."},
		text{"预算已用完[：{detail}]，余额不足以制作下一个视频。", "请等待新的一天或一个月，或提高预算（DailyBudget、MonthlyBudget），等待中的任务会自动继续。"},
		free, mended,
	},
	job.CodePaused: {
		text{"Sending has been paused by hand.", "Resume it when you are ready (emodrop resume). Waiting films go on then."},
		text{"已手动暂停提交。", "准备好后请恢复（emodrop resume），等待中的任务会继续。"},
		free, person,
	},
}

// unknown is what a code says that is not in the catalogue: one of a newer version.
var unknown = entry{
	text{"The film of “{name}” could not be finished.", askEN + "."},
	text{"“{name}”的视频未能完成。", askZH + "。"},
	perhaps, over,
}
