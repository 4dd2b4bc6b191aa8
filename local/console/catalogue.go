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
	"cost":      {"Cost", "费用"},
	"back":      {"Back to the films", "返回视频列表"},
	"stack_of":  {"Stack: %s", "部署：%s"},

	"form_title":      {"Make a film", "制作视频"},
	"picture":         {"Portrait", "人像照片"},
	"picture_hint":    {"One face, looking at you. JPG, PNG, BMP or WebP, %d to %d pixels a side.", "正面单人照。JPG、PNG、BMP 或 WebP，边长 %d 至 %d 像素。"},
	"recordings":      {"Recording", "录音"},
	"recordings_hint": {"MP3 or WAV, up to %d seconds and %s. Choose several for several films.", "MP3 或 WAV，最长 %d 秒、最大 %s。可选择多个，每个生成一段视频。"},
	"options":         {"Options", "选项"},
	"options_label":   {"Options (optional)", "选项文件（可选）"},
	"options_hint":    {"A JSON file that says how the films are to be made.", "说明如何制作视频的 JSON 文件。"},
	"options_drop":    {"A JSON file of the same name holds its options.", "同名的 JSON 文件为其选项。"},
	"folder":          {"Folder (optional)", "文件夹（可选）"},
	"folder_hint":     {"Films are kept under this name, such as courses/week 1.", "视频将保存在此名称之下，例如 courses/第1周。"},
	"or_sample":       {"No files at hand?", "手边没有文件？"},
	"sample":          {"Try it with the sample", "使用示例试一试"},
	"drop_title":      {"Drop a portrait and a recording here", "将照片和录音拖放到此处"},
	"drop_hint":       {"Or several pairs of the same names, or a whole folder. Nothing is sent before you have seen the price.", "也可拖放多组同名文件或整个文件夹。在您看到价格之前不会提交任何内容。"},
	"choose_files":    {"Choose files", "选择文件"},
	"choose_folder":   {"Choose a folder", "选择文件夹"},
	"start_over":      {"Start over", "重新选择"},
	"checking":        {"Checking the files…", "正在检查文件…"},
	"rate":            {"%s for each second of recording. The film is made only when you say so.", "每秒录音 %s。只有在您确认后才会制作视频。"},
	"rate_simulated":  {"The real service takes %s for each second of recording; here nothing is charged.", "真实服务每秒录音收费 %s；此处不产生费用。"},
	"send":            {"Make the film", "生成视频"},
	"sending":         {"Sending…", "正在上传…"},
	"or_folder":       {"Or put both files, under the same name, into this folder:", "也可将两个同名文件放入此文件夹："},
	"films_folder":    {"Films also appear in", "视频也会出现在"},

	"plan_title":            {"What comes of these files", "这些文件将生成"},
	"plan_film":             {"Film", "视频"},
	"plan_left_out":         {"Left out", "未使用的文件"},
	"plan_button":           {"Films: %d. Make them for %s", "生成 %d 个视频，费用 %s"},
	"plan_button_simulated": {"Films: %d. Make them (the real price would be %s)", "生成 %d 个视频（实际价格约 %s）"},
	"plan_none":             {"No film comes of these files.", "这些文件无法生成视频。"},
	"plan_before":           {"The same was handed in before: %s. It is not made or charged again.", "之前已提交过：%s。不会再次制作或计费。"},
	"plan_no_picture":       {"no picture of the same name, and none called portrait in its folder", "没有同名的照片，文件夹中也没有名为 portrait 的照片"},
	"plan_no_recording":     {"no recording of the same name", "没有同名的录音"},
	"plan_unused":           {"not needed: no recording uses it, or another file of that name does", "不需要：没有录音使用它，或已有同名的其他文件"},
	"plan_no_film":          {"options: no picture and recording of the same name", "选项文件：没有同名的照片和录音"},
	"plan_dry":              {"Checked and priced only: its options say dryRun.", "仅检查和计价：其选项含 dryRun。"},
	"plan_unknown":          {"neither a picture nor a recording nor options", "不是图片、录音或选项文件"},

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
	"refused_decision":   {"That did not work", "操作未成功"},
	"not_done":           {"Why: %s", "原因：%s"},
	"decide_failed":      {"The video service could not be asked just now. Try again in a moment.", "暂时无法联系视频服务，请稍后再试。"},
	"no_pair":            {"No picture and recording of the same name are among these files.", "这些文件中没有同名的照片和录音。"},
	"many_files":         {"At most %d files at a time. For more: emodrop batch FOLDER, or the folder below.", "一次最多 %d 个文件。更多文件请用 emodrop batch 目录，或放入下方的文件夹。"},
	"no_file":            {"Choose a portrait and a recording first.", "请先选择照片和录音。"},
	"many_pictures":      {"Choose one portrait only.", "只能选择一张照片。"},
	"many_recordings":    {"At most %d recordings at a time.", "一次最多上传 %d 段录音。"},
	"many_options":       {"Choose one file of options only.", "只能选择一个选项文件。"},
	"not_options":        {"“%s” is no file of options. Choose a JSON file.", "“%s”不是选项文件，请选择 JSON 文件。"},
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
	"cut":         {"There are more; the newest %d of them are shown.", "还有更多，仅显示其中最新的 %d 条。"},
	"larger":      {"Show up to %d on one page", "每页最多显示 %d 条"},
	"older":       {"Show older films", "显示更早的视频"},
	"newest":      {"Back to the newest films", "返回最新视频"},
	"changed":     {"%s: %s", "%s 现在：%s"},
	"changed_all": {"Films that have changed: %d", "有 %d 个视频状态已更新"},

	"place":         {"Number %d in the queue", "排在第 %d 位"},
	"ready_soon":    {"ready in a moment", "即将完成"},
	"ready_about":   {"ready about %s", "预计 %s 完成"},
	"expected":      {"Expected", "预计"},
	"cancel":        {"Cancel", "取消"},
	"again":         {"Make again", "重新制作"},
	"again_title":   {"Make again…", "重新制作……"},
	"again_charge":  {"It may have been charged already. I accept that it may be charged a second time.", "可能已计费。我接受再次制作可能会二次计费。"},
	"did_canceled":  {"Taken back before it was made.", "已在开始制作之前取消。"},
	"did_canceling": {"The video service took it back. It ends once the service has said so.", "视频服务已接受取消，确认后即结束。"},
	"did_again":     {"It is made again.", "正在重新制作。"},

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

	"cost_title":        {"Cost by day", "每日费用"},
	"cost_hint":         {"By the day of the hand-in (UTC), from the jobs' own records. Checks of portraits and AWS are not in it.", "按提交日期（UTC）统计，依据任务记录；不含照片检测和 AWS 费用。"},
	"cost_day":          {"Day", "日期"},
	"cost_films":        {"Films", "视频数"},
	"cost_charged":      {"Charged", "费用"},
	"cost_besides":      {"Besides", "其他"},
	"cost_expected":     {"Still to come", "预计"},
	"cost_total":        {"Together", "合计"},
	"cost_besides_hint": {"Besides: charged in vain, or by an attempt before the last.", "其他：未得到视频的费用，或此前各次的费用。"},
	"cost_cut":          {"Only the newest %d jobs are counted; emodrop cost counts all.", "仅统计最新的 %d 个任务；emodrop cost 可统计全部。"},
	"cost_unclear":      {"Jobs that may have been charged without a film: %d. Only the video service's bill can tell.", "可能已计费但没有视频的任务：%d 个，请以视频服务的账单为准。"},
	"cost_simulated":    {"Simulated: these are the real service's prices, and nothing was charged.", "模拟：以下为真实服务的价格，未产生任何费用。"},

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
