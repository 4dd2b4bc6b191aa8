package stack

import (
	"errors"
	"os"
	"strings"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Refusal is why a stack does not start, or its folder is not read: what is the case, and
// what to do, in every language.
type Refusal struct {
	// Code is one of those below: stable, for programs.
	Code  string
	facts [2]string
}

// The codes of refusals.
const (
	Running      = "already_running"
	PortTaken    = "port_taken"
	HomeUnusable = "folder_unusable"
	Damaged      = "identity_damaged"
	Missing      = "identity_missing"
	OtherVendor  = "other_vendor"
	PaidFor      = "films_paid_for"
	OtherAccount = "other_account"
	KeyUnclear   = "key_unclear"
	KeyRefused   = job.CodeKeyRefused
	NoDynamo     = "no_dynamodb"
	DynamoDown   = "dynamodb_down"
)

// refusals say each code in English and Chinese: what and what to do. {1} and {2} are the
// facts.
var refusals = map[string][2][2]string{
	Running: {
		{"The stack of this folder runs already, at {1}.", "Stop it first, or take another folder with --home."},
		{"此目录的系统已在运行：{1}。", "请先停止它，或用 --home 指定其他目录。"}},
	PortTaken: {
		{"Port {1} cannot be opened: {2}.", "Leave --port out, and a free one is taken."},
		{"无法打开端口 {1}：{2}。", "去掉 --port 即可自动选用空闲端口。"}},
	HomeUnusable: {
		{"The folder cannot be used: {1}.", "Look at its permissions, or take another folder with --home."},
		{"目录不可用：{1}。", "请检查其权限，或用 --home 指定其他目录。"}},
	// Only the identity tells whether a folder's films were paid for, at which service and
	// with which key. A new one would have the folder taken for whatever it is started as.
	Damaged: {
		{"{1} is damaged ({2}). Without that file nobody can tell at which video service the folder's jobs are.", "Put that file back, or take another folder with --home."},
		{"{1} 已损坏（{2}）。没有该文件就无法得知此目录的任务属于哪个视频服务。", "请恢复该文件，或用 --home 指定其他目录。"}},
	Missing: {
		{"{1} is not there. Without that file nobody can tell at which video service the folder's jobs are.", "Put that file back, or take another folder with --home."},
		{"{1} 不存在。没有该文件就无法得知此目录的任务属于哪个视频服务。", "请恢复该文件，或用 --home 指定其他目录。"}},
	// A home belongs to one service. Jobs that the emulator simulates would be asked for at
	// the real one, and its films would be taken for paid.
	OtherVendor: {
		{"The jobs in this folder are of another video service ({1}).", "Take another folder with --home."},
		{"此目录中的任务属于另一个视频服务（{1}）。", "请用 --home 指定其他目录。"}},
	// Forgetting a folder's jobs has all that lies in drop/ made once more.
	PaidFor: {
		{"--fresh would delete films that were paid for, and pay for all that is in drop/ once more.", "Take another folder with --home, or delete what you do not need yourself."},
		{"--fresh 会删除已付费的视频，并为 drop/ 中的所有文件再次付费。", "请用 --home 指定其他目录，或自行删除不需要的内容。"}},
	// Another account's key does not know the tasks under way, and they would be taken for
	// lost.
	OtherAccount: {
		{"Films of this folder may still be at the video service, and it does not know them by this API key.",
			"Start with the key that they were sent with, or another one of that account; a day after the last was sent any key will do."},
		{"此目录的视频可能仍在视频服务处，而该 API Key 查不到它们。",
			"请使用提交它们时的 API Key，或同一账户的其他 API Key；最后一次提交满一天后，任何 API Key 均可。"}},
	KeyUnclear: {
		{"This is another API key than last time, and the video service could not be asked whether it is of the same account: {1}.", "Try again in a minute."},
		{"API Key 与上次不同，且无法向视频服务确认是否属于同一账户：{1}。", "请一分钟后再试。"}},
	KeyRefused: {
		{"The video service refuses this API key: {1}.", "Give the API key of the Beijing region that is valid now: DASHSCOPE_API_KEY."},
		{"视频服务拒绝了该 API Key：{1}。", "请在 DASHSCOPE_API_KEY 中提供北京地域当前有效的 API Key。"}},
	NoDynamo: {
		{"dynoxide, which stands in for DynamoDB, is not installed.",
			"Run make tools, which installs it where npm has a package for this platform. Or put a dynoxide binary on PATH, or give the address of another DynamoDB in AWS_ENDPOINT_URL_DYNAMODB."},
		{"未安装 dynoxide（DynamoDB 的本地替代）。",
			"请运行 make tools（npm 提供本平台的软件包时）；或将 dynoxide 放入 PATH；或在 AWS_ENDPOINT_URL_DYNAMODB 中给出其他 DynamoDB 的地址。"}},
	DynamoDown: {
		{"The DynamoDB at {1} does not answer.", "Start it, or unset AWS_ENDPOINT_URL_DYNAMODB and the one that comes with emodrop is used."},
		{"位于 {1} 的 DynamoDB 没有响应。", "请启动它；或取消 AWS_ENDPOINT_URL_DYNAMODB，改用 emodrop 自带的。"}},
}

// reason is what the system says of a failure, without the call that failed.
func reason(err error) string {
	var no *os.SyscallError
	if errors.As(err, &no) {
		return no.Err.Error()
	}
	return err.Error()
}

func refuse(code string, facts ...string) error {
	r := &Refusal{Code: code}
	copy(r.facts[:], facts)
	return r
}

// Key says whether it is about a key that is missing or refused.
func (r *Refusal) Key() bool { return r.Code == KeyRefused || r.Code == OtherAccount }

// Say is the refusal in a language: what is the case, and what to do.
func (r *Refusal) Say(lang words.Lang) (what, fix string) {
	pair := refusals[r.Code][0]
	if lang == words.Chinese {
		pair = refusals[r.Code][1]
	}
	fill := strings.NewReplacer("{1}", r.facts[0], "{2}", r.facts[1])
	return fill.Replace(pair[0]), pair[1]
}

func (r *Refusal) Error() string {
	what, fix := r.Say(words.English)
	return what + " " + fix
}
