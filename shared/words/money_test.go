package words

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestMoneyIsToldAsItIs(t *testing.T) {
	t.Parallel()
	fault := func(code string) *job.Fault { return &job.Fault{Code: code} }
	for _, c := range []struct {
		m      job.Message
		en, zh string
		charge string
	}{
		{job.Message{State: job.Succeeded, Billed: 1_114_400}, "The film cost CNY 1.1144.", "视频费用：1.1144 元。", "yes"},
		{job.Message{State: job.Succeeded, Billed: 1_114_400, Wasted: 4_800_000}, "The film cost CNY 1.1144. Charged and lost: CNY 4.80.", "视频费用：1.1144 元。已计费但未得到视频：4.80 元。", "yes"},
		{job.Message{State: job.Succeeded, Billed: 1_114_400, Wasted: 1_114_400, Attempt: 2}, "The film cost CNY 1.1144. Charged by earlier attempts, or in vain: CNY 1.1144.", "视频费用：1.1144 元。此前各次或未得到视频的费用：1.1144 元。", "yes"},
		{job.Message{Fault: fault(job.CodeTaskOrphaned), Wasted: 80_000, Attempt: 2}, "Charged and lost: CNY 0.08.", "已计费但未得到视频：0.08 元。", "yes"},
		{job.Message{State: job.Rejected, Fault: fault(job.CodeImageTooSmall)}, "Nothing was charged.", "未产生费用。", "no"},
		{job.Message{State: job.Rejected, Fault: fault(job.CodeFaceRefused)}, "No film was charged. The check of the portrait costs at most CNY 0.004.", "没有产生视频费用。图片检测最多 0.004 元。", "no"},
		{job.Message{State: job.Failed, Fault: fault(job.CodeVendorFailed)}, "No film was charged. The check of the portrait costs at most CNY 0.004.", "没有产生视频费用。图片检测最多 0.004 元。", "no"},
		{job.Message{State: job.Failed, Fault: fault(job.CodeVendorFailed), Wasted: 80_000}, "Charged and lost: CNY 0.08.", "已计费但未得到视频：0.08 元。", "yes"},
		{job.Message{State: job.Canceled, Fault: fault(job.CodeVendorCanceled)}, "No film was made, so none should be charged. The check of the portrait costs at most CNY 0.004.", "没有生成视频，应不会产生视频费用。图片检测最多 0.004 元。", "no"},
		{job.Message{State: job.Expired, Ratio: job.Square}, "The film may have been charged, at most CNY 4.80; only the video service's bill can tell.", "该视频可能已计费，最多 4.80 元，请以视频服务的账单为准。", "unknown"},
		{job.Message{State: job.Expired, Ratio: job.Portrait}, "The film may have been charged, at most CNY 9.60; only the video service's bill can tell.", "该视频可能已计费，最多 9.60 元，请以视频服务的账单为准。", "unknown"},
		{job.Message{State: job.Expired, Wasted: 1_114_400}, "Charged and lost: CNY 1.1144.", "已计费但未得到视频：1.1144 元。", "yes"},
		{job.Message{State: job.Held}, "Whether a film was charged is not known until this is settled; it would be at most CNY 9.60.", "在处理之前无法确定是否已计费；最多为 9.60 元。", "unknown"},
		{job.Message{State: job.Held, Billed: 1_114_400}, "The video service charges CNY 1.1144 for this film.", "视频服务对该视频计费 1.1144 元。", "yes"},
	} {
		c.m.Job = "0123456789"
		require.Equal(t, c.en, Charged(c.m, English))
		require.Equal(t, c.zh, Charged(c.m, Chinese))
		require.Equal(t, c.charge, charge(c.m))
	}
	require.Equal(t, "Nothing was charged.", Charged(job.Message{}, English), "a notice is about no job")
}

func TestNoOutcomeThatMayHaveCostMoneyIsCalledFree(t *testing.T) {
	t.Parallel()
	for _, s := range job.States() {
		for _, code := range job.Codes() {
			m := job.Message{Job: "j", State: s, Fault: &job.Fault{Code: code}, Wasted: 1}
			require.NotContains(t, Charged(m, English), "Nothing was charged", "%s %s", s, code)
			require.NotContains(t, Charged(m, Chinese), "未产生费用", "%s %s", s, code)
			if m.Wasted = 0; s == job.Held || s == job.Expired {
				require.NotContains(t, Charged(m, English), "No film was charged", "%s %s", s, code)
				require.Equal(t, "unknown", charge(m))
			}
		}
	}
}
