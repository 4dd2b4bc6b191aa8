package operate

import (
	"strings"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Refusal is why something a person asked for is not done: what is the case, and
// what to do, in every language.
type Refusal struct {
	// Code is one of those below: stable, for programs.
	Code string
	// Name and State are the job's at the time.
	Name  job.Name
	State job.State
	facts [2]string
}

// The codes of refusals.
const (
	NotHeld           = "not_held"
	OtherReason       = "held_for_another_reason"
	TaskOwned         = "task_owned"
	TaskUnknown       = "task_unknown"
	ChargeNotAccepted = "charge_not_accepted"
	NotEnded          = "not_ended"
	FilesRefused      = "files_refused"
	NeverRead         = "never_read"
	Moved             = "moved_meanwhile"
	BeingSent         = "being_sent"
	BeingMade         = "being_made"
	AlreadyMade       = "already_made"
	IsHeld            = "is_held"
	HasEnded          = "has_ended"
	CancelUnclear     = "cancel_unclear"
	NotTold           = "nothing_to_tell"
)

// reasons say each code in English and Chinese: what and what to do. {name} and
// {state} are the job's, {1} and {2} the facts.
var reasons = map[string][2][2]string{
	NotHeld: {
		{"“{name}” is not held for a person to decide: {state}.", "Look how it stands: emodrop status."},
		{"“{name}”不在等待人工处理，当前状态：{state}。", "用 emodrop status 查看状态。"}},
	OtherReason: {
		{"“{name}” is held for another reason: {1}.", "See which ways out it has: emodrop explain {1}."},
		{"“{name}”因其他原因等待处理：{1}。", "用 emodrop explain {1} 查看可用的处理方法。"}},
	TaskOwned: {
		{"Task {1} belongs to job {2}.", "Adopt another of the candidates, or none."},
		{"任务 {1} 属于作业 {2}。", "请认领其他候选任务。"}},
	TaskUnknown: {
		{"The video service does not know task {1}.", "The candidates are: {2}."},
		{"视频服务查不到任务 {1}。", "候选任务：{2}。"}},
	ChargeNotAccepted: {
		{"“{name}” may have been charged already, and a further film may be charged a second time.", "If that is right, say so: --accept-charge."},
		{"“{name}”可能已计费，再次制作可能会二次计费。", "如确认，请加上 --accept-charge。"}},
	NotEnded: {
		{"“{name}” is still under way ({state}): only a job that has ended can be tried again.", "Wait for its end, or take it back: emodrop cancel."},
		{"“{name}”仍在进行中（{state}），只有已结束的任务才能重试。", "请等待其结束，或用 emodrop cancel 取消。"}},
	FilesRefused: {
		{"“{name}” was refused for its files, and trying them again makes them no better.", "Upload files that can be used under that name; for a row of a manifest, put its files right and upload the manifest again."},
		{"“{name}”因文件无法使用而被拒绝，重试不会有改变。", "请用该名称上传可用的文件；如是清单中的一行，请修正其文件后重新上传清单。"}},
	NeverRead: {
		{"A file of “{name}”, a row of a manifest, was never read: it was not there or could not be read then.", "Upload it if it is missing, and then the manifest again."},
		{"“{name}”（清单中的一行）的某个文件当时不存在或无法读取，因此从未读取过。", "如文件缺失请先上传，然后重新上传清单。"}},
	Moved: {
		{"“{name}” has moved meanwhile.", "Look again: emodrop status."},
		{"“{name}”的状态刚刚发生了变化。", "请用 emodrop status 重新查看。"}},
	BeingSent: {
		{"“{name}” is being sent at this moment, so nobody can tell yet whether there is anything to cancel.", "Try again in a minute."},
		{"“{name}”正在提交，暂时无法确定是否可以取消。", "请一分钟后再试。"}},
	BeingMade: {
		{"The video service is making the film of “{name}” already, and takes nothing back by then. It is being paid for, so it is kept.", "Fetch it when it is done: emodrop get."},
		{"视频服务已在制作“{name}”，无法取消。该视频会计费，因此会保留。", "完成后用 emodrop get 下载。"}},
	AlreadyMade: {
		{"The film of “{name}” is made and paid for; it is being brought home.", "Fetch it when it is there: emodrop get."},
		{"“{name}”的视频已生成并计费，正在取回。", "取回后用 emodrop get 下载。"}},
	IsHeld: {
		{"“{name}” is held for a person to decide.", "End it without a film: emodrop give-up."},
		{"“{name}”正在等待人工处理。", "如不需要视频，请用 emodrop give-up 放弃。"}},
	HasEnded: {
		{"“{name}” has ended: {state}.", "Nothing to do."},
		{"“{name}”已结束：{state}。", "无需操作。"}},
	NotTold: {
		{"“{name}” has no outcome yet that could be told: {state}.", "Wait for it: emodrop watch."},
		{"“{name}”尚无结果可通知，当前状态：{state}。", "请用 emodrop watch 等待结果。"}},
	CancelUnclear: {
		{"It is not clear whether the video service took “{name}” back.", "See in a minute how it stands: emodrop status."},
		{"无法确定视频服务是否已取消“{name}”。", "请一分钟后用 emodrop status 查看。"}},
}

func refuse(code string, j job.Job, facts ...string) error {
	r := &Refusal{Code: code, Name: j.Name, State: j.State}
	copy(r.facts[:], facts)
	return r
}

// Say is the refusal in a language: what is the case, and what to do.
func (r *Refusal) Say(lang words.Lang) (what, fix string) {
	pair := reasons[r.Code][0]
	if lang == words.Chinese {
		pair = reasons[r.Code][1]
	}
	fill := strings.NewReplacer("{name}", r.Name.String(), "{state}", words.State(r.State, lang), "{1}", r.facts[0], "{2}", r.facts[1])
	return fill.Replace(pair[0]), fill.Replace(pair[1])
}

func (r *Refusal) Error() string {
	what, fix := r.Say(words.English)
	return what + " " + fix
}
