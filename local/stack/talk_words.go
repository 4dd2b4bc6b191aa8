package stack

import "emodrop/shared/words"

// say is a line's form, or a log line's message, in that language. Those who speak write
// English, which stands for itself where the other has no word: what was said in time
// beats what is said well.
func say(form string, lang words.Lang) string {
	if zh, ok := inChinese[form]; ok && lang == words.Chinese {
		return zh
	}
	return form
}

// inChinese are all forms of lines, and the messages of the functions' logs that tell of
// trouble. A test compares it with the code.
var inChinese = map[string]string{
	// The stack's own, and the folder's.
	"%s: an event was given up after %d attempts (%s)":   "%s：一个事件在尝试 %d 次后被放弃（%s）",
	"intake: a message was given up after %d deliveries": "接收：一条消息在投递 %d 次后被放弃",
	"intake: the event of an object was lost: %v":        "接收：一个对象的事件丢失：%v",
	"%s: not copied to the folder: %v":                   "%s：未能复制到文件夹：%v",
	"%s: still in the folder: %v":                        "%s：仍在文件夹中：%v",
	"drop: %v":                                           "投放文件夹：%v",
	"drop: %s is not watched: %v":                        "投放文件夹：未能监视 %s：%v",
	"drop: %s is a link to a folder: not followed":       "投放文件夹：%s 是指向文件夹的链接，不会提交其中的文件",
	"drop: %s could not be handed in: %v":                "投放文件夹：%s 未能提交：%v",
	"%s handed in (%d bytes)":                            "%s 已提交（%d 字节）",
	"drop: what was handed in could not be noted: %v":    "投放文件夹：未能记录已提交的内容：%v",
	"message   %s":                                       "消息      %s",
	"%-9s %s":                                            "%-9s %s",
	// The functions'.
	"a film was charged that no job can use":         "一个视频已计费，但没有任务可以使用",
	"a task that nobody needs is not canceled":       "无人需要的任务未能取消",
	"a task that was given up for lost has shown up": "此前视为丢失的任务又出现了",
	"answer of the create call came late":            "创建请求的响应来得太晚",
	"batch":                                          "批次出错",
	"budget reached":                                 "已达到预算",
	"create":                                         "创建出错",
	"create call left no task":                       "创建请求没有产生任务",
	"detect":                                         "检测出错",
	"dispatch after hand-in":                         "提交后的派发出错",
	"event of a bucket that is not the inbox":        "事件来自收件桶以外的存储桶",
	"face not kept":                                  "检测结果未能保存",
	"file of a row cannot be read":                   "清单某行的文件无法读取",
	"film not home yet":                              "视频尚未取回",
	"billed for another length than the film has":    "计费时长与视频时长不符",
	"function cannot start":                          "函数无法启动",
	"gate closed":                                    "已停止提交",
	"gate stays closed":                              "仍停止提交",
	"hand-in not taken":                              "提交未被接收",
	"labels are gone":                                "附加信息和标签已不存在",
	"look":                                           "查询出错",
	"look after a cancel":                            "取消后的查询出错",
	"look for a lost task":                           "查找丢失的任务出错",
	"looks":                                          "查询出错",
	"manifest":                                       "清单未能全部接收",
	"results not touched":                            "清单结果未能标记更新",
	"portions put back":                              "已从完整结果恢复清单的部分结果",
	"message stays due":                              "消息稍后再发",
	"poll's lease not given back":                    "轮询的租约未能归还",
	"portrait not fetched from S3; uploading it":     "服务未能从 S3 获取图片，改为上传",
	"push put off":                                   "推送稍后处理",
	"push refused":                                   "推送被拒绝",
	"route not noted":                                "传输路径未能记录",
	"row not prepared":                               "清单某行未能准备",
	"slot that reserved something else put right":    "名额预留的金额已更正",
	"slot without a task freed":                      "已释放没有任务的名额",
	"stage":                                          "暂存出错",
	"status not written":                             "状态文件未能写入",
	"sweep not planned":                              "扫描未能安排",
	"task failed":                                    "任务失败",
	"task found in the vendor's list and adopted":    "在服务的任务列表中找到任务并认领",
	"task succeeded without a film's link":           "任务成功但没有视频链接",
	"task without a slot given one":                  "已为任务补上名额",
	"upload":                                         "上传出错",
	"vendor's clock":                                 "查询服务时间出错",
	"webhook given up":                               "webhook 已放弃",
}
