package emo

import "time"

// event is the completion event of a task, as the vendor puts it onto the account's bus.
// Source: https://help.aliyun.com/zh/model-studio/async-task-api (2026)
type event struct {
	DataContentType   string    `json:"datacontenttype"`
	AccountID         string    `json:"aliyunaccountid"`
	PublishTime       string    `json:"aliyunpublishtime"`
	Data              eventData `json:"data"`
	OriginalAccountID string    `json:"aliyunoriginalaccountid"`
	SpecVersion       string    `json:"specversion"`
	BusName           string    `json:"aliyuneventbusname"`
	ID                string    `json:"id"`
	Source            string    `json:"source"`
	Time              string    `json:"time"`
	RegionID          string    `json:"aliyunregionid"`
	Type              string    `json:"type"`
}

type eventData struct {
	StartTime     string `json:"start_time"`
	EndTime       string `json:"end_time"`
	UniqueKey     string `json:"user_api_unique_key"`
	TaskStatus    string `json:"task_status"`
	ContainResult bool   `json:"contain_result"`
	TaskID        string `json:"task_id"`
	Region        string `json:"region"`
	RequestID     string `json:"request_id"`
	APIKeyID      string `json:"api_key_id"`
}

// newEvent makes the event of a task that ended. A task that never ran began when it was submitted (ASSUMED); the
// sample's time has a month without its zero, and so have these.
func (s *Server) newEvent(f Finished) event {
	began := f.Scheduled
	if began.IsZero() {
		began = f.Submitted
	}
	now := time.Now().UTC()
	return event{
		DataContentType: "application/json;charset=utf-8", AccountID: accountID, OriginalAccountID: accountID,
		PublishTime: now.Format("2006-01-02T15:04:05.000Z"), SpecVersion: "1.0", BusName: "default", ID: s.newID(),
		Source: "acs.dashscope", Time: f.Ended.UTC().Format("2006-1-2T15:04:05.000Z"), RegionID: region,
		Type: "dashscope:System:AsyncTaskFinish",
		Data: eventData{
			StartTime: stamp(began, time.DateTime), EndTime: stamp(f.Ended, time.DateTime), UniqueKey: UniqueKey(f.Model),
			TaskStatus: f.Status, TaskID: f.TaskID, Region: region, RequestID: f.RequestID, APIKeyID: f.APIKeyID,
		},
	}
}
