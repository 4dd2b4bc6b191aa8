package console

import (
	"fmt"

	"emodrop/shared/words"
)

// text is one phrase in every language.
type text struct{ en, zh string }

// catalogue is every word of the page that is its own. The names of states and what
// is said of failures are package words'.
var catalogue = map[string]text{
	"title":     {"emodrop: two files in, a film out", "emodrop：放入两个文件，得到一段视频"},
	"tagline":   {"Two files in, a film out.", "放入两个文件，得到一段视频。"},
	"intro":     {"Give a portrait and a voice recording. You get a film of that person saying it.", "提供一张人像照片和一段录音，即可得到此人开口说话的视频。"},
	"language":  {"Language", "语言"},
	"skip":      {"Skip to the films", "跳到视频列表"},
	"simulated": {"Practice mode: films are simulated on this machine and nothing is charged.", "练习模式：视频由本机模拟生成，不产生任何费用。"},

	"form_title":      {"Make a film", "制作视频"},
	"picture":         {"Portrait", "人像照片"},
	"picture_hint":    {"One face, looking at you. JPG, PNG, BMP or WebP, %d to %d pixels a side.", "正面单人照。JPG、PNG、BMP 或 WebP，边长 %d 至 %d 像素。"},
	"recordings":      {"Recording", "录音"},
	"recordings_hint": {"MP3 or WAV, up to %d seconds and %s. Choose several for several films.", "MP3 或 WAV，最长 %d 秒、最大 %s。可选择多个，每个生成一段视频。"},
	"folder":          {"Folder (optional)", "文件夹（可选）"},
	"folder_hint":     {"Films are kept under this name, such as courses/week 1.", "视频将保存在此名称之下，例如 courses/第1周。"},
	"send":            {"Make the film", "生成视频"},
	"sending":         {"Sending…", "正在上传…"},
	"drop_here":       {"Drop the files anywhere on this page", "将文件拖放到页面任意位置"},
	"too_large_here":  {"This file is too large.", "文件过大。"},
	"or_folder":       {"Or put both files, under the same name, into this folder:", "也可将两个同名文件放入此文件夹："},
	"films_folder":    {"Films also appear in", "视频也会出现在"},

	"handed":            {"Handed in: %d files.", "已提交 %d 个文件。"},
	"handed_soon":       {"The film appears below.", "视频将在下方出现。"},
	"handed_some":       {"Handed in: %d of %d files. Then the inbox failed; send the rest again.", "已提交 %d 个文件（共 %d 个），随后收件箱出错，请重新上传其余文件。"},
	"handed_renamed":    {"The portrait was handed in under the recording's name, because files pair by name.", "文件按名称配对，因此照片已改用录音的名称提交。"},
	"waiting_recording": {"It waits for a recording of the same name.", "正在等待同名的录音。"},
	"waiting_picture":   {"It waits for a picture of the same name, unless its folder has one called portrait.", "正在等待同名的照片；若文件夹中已有名为 portrait 的照片则无需等待。"},

	"refused":            {"Nothing was handed in", "没有提交任何文件"},
	"refused_some":       {"Not everything was handed in", "部分文件未能提交"},
	"no_form":            {"The form did not arrive as expected. Load this page again and retry.", "表单内容不完整，请重新加载页面后再试。"},
	"upload_broke":       {"The upload broke off before its end. Send it again.", "上传中断，请重新上传。"},
	"upload_too_large":   {"Together the files are larger than %s. Send fewer at a time.", "文件总大小超过 %s，请分批上传。"},
	"upload_failed":      {"The files could not be kept on this machine. Is its disk full?", "文件无法保存到本机，磁盘是否已满？"},
	"no_file":            {"Choose a portrait and a recording first.", "请先选择照片和录音。"},
	"many_pictures":      {"Choose one portrait only.", "只能选择一张照片。"},
	"many_recordings":    {"At most %d recordings at a time.", "一次最多上传 %d 段录音。"},
	"same_name":          {"Two recordings are called “%s”. Rename one: a film takes its recording's name.", "有两段录音同名（“%s”）。视频以录音命名，请重命名其中之一。"},
	"file_empty":         {"“%s” is empty.", "“%s”是空文件。"},
	"file_too_large":     {"“%s” is larger than %s.", "“%s”超过 %s。"},
	"not_a_picture":      {"“%s” is not a picture we can use. Choose a JPG, PNG, BMP or WebP file.", "“%s”不是可用的图片，请选择 JPG、PNG、BMP 或 WebP 文件。"},
	"not_a_recording":    {"“%s” is not a recording we can use. Choose an MP3 or WAV file.", "“%s”不是可用的录音，请选择 MP3 或 WAV 文件。"},
	"bad_name":           {"“%s” cannot be used as a file name here. Rename the file.", "“%s”不能用作文件名，请重命名文件。"},
	"long_name":          {"The name “%s” is too long.", "名称“%s”过长。"},
	"bad_folder":         {"“%s” cannot be used as a folder. Use names separated by /, not “.”, “..” or \\.", "“%s”不能用作文件夹。请用 / 分隔名称，不要使用“.”、“..”或 \\。"},
	"underscored_folder": {"“%s”: a folder's name may not begin with _ or a dot here.", "“%s”：此处的文件夹名称不能以 _ 或点开头。"},

	"films":       {"Films", "视频"},
	"none":        {"No films yet.", "还没有视频。"},
	"none_hint":   {"Choose a portrait and a recording above; the first film appears here.", "请在上方选择照片和录音，第一段视频将显示在这里。"},
	"none_day":    {"No films were handed in on these days.", "这两天没有提交任何视频。"},
	"in_flight":   {"At work: %d", "制作中：%d"},
	"queued":      {"Waiting: %d", "等待中：%d"},
	"reload":      {"Reload", "刷新"},
	"reload_auto": {"Reload every 10 seconds", "每 10 秒自动刷新"},
	"reload_stop": {"Stop reloading", "停止自动刷新"},
	"offline":     {"Not connected. Is emodrop still running? Trying again…", "连接已断开。emodrop 是否仍在运行？正在重试…"},
	"stale":       {"The list could not be read just now. This is what was seen last.", "暂时无法读取列表，以下为上次的内容。"},
	"closed":      {"Nothing is being sent", "已暂停提交"},
	"closed_hint": {"Jobs wait and none is lost. Since %s.", "任务会继续等待，不会丢失。始于 %s。"},
	"by_hand":     {"Reopen it yourself when you are ready.", "准备好后请手动恢复。"},
	"by_probe":    {"It reopens by itself once this is mended.", "问题解决后会自动恢复。"},
	"throttled":   {"The video service asked us to wait until %s.", "视频服务要求等待至 %s。"},
	"cut":         {"There were more; the newest %d are shown.", "仅显示最新的 %d 条。"},
	"older":       {"Show older films", "显示更早的视频"},
	"newest":      {"Back to the newest films", "返回最新视频"},

	"steps":           {"Steps", "步骤"},
	"step_1":          {"Received", "收到"},
	"step_2":          {"Checked", "检查"},
	"step_3":          {"Sent", "提交"},
	"step_4":          {"Filmed", "生成"},
	"step_5":          {"Ready", "完成"},
	"step_done":       {"done", "已完成"},
	"step_now":        {"now", "进行中"},
	"step_stop":       {"stopped here", "在此停止"},
	"length":          {"Length", "时长"},
	"elapsed":         {"Elapsed", "已用时"},
	"took":            {"Took", "用时"},
	"received":        {"Handed in", "提交时间"},
	"price_expected":  {"Expected price", "预计费用"},
	"price_charged":   {"Charged", "费用"},
	"price_simulated": {"Would cost", "实际价格约"},
	"price_lost":      {"Charged in vain", "损失费用"},
	"price_before":    {"Charged before, or in vain", "此前或损失费用"},
	"attempt":         {"Attempt", "尝试次数"},
	"what_to_do":      {"What to do:", "解决方法："},
	"vendor_says":     {"The video service said", "视频服务返回"},
	"film_of":         {"Film: %s", "视频：%s"},
	"download":        {"Download", "下载"},
	"job_id":          {"Job", "任务"},

	"messages":      {"Messages sent", "已发送的消息"},
	"messages_hint": {"What the topic's subscribers would have got, newest first.", "主题订阅者会收到的内容，最新在前。"},
	"messages_none": {"None yet.", "暂无。"},

	"engineers":     {"For engineers: the same with the AWS command line", "开发者：使用 AWS 命令行"},
	"engineers_key": {"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to the values that were printed in the terminal when emodrop started.", "请将 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY 设为 emodrop 启动时在终端中显示的值。"},
	"loopback":      {"This page and its services listen on this machine only.", "此页面及其服务仅在本机监听。"},
}

// say is the phrase of that key in that language, with its blanks filled in.
func say(l words.Lang, key string, args ...any) (string, error) {
	t, ok := catalogue[key]
	if !ok {
		return "", fmt.Errorf("no phrase %q", key)
	}
	phrase := t.en
	if l == words.Chinese {
		phrase = t.zh
	}
	if len(args) == 0 {
		return phrase, nil
	}
	return fmt.Sprintf(phrase, args...), nil
}
