package words

import (
	"fmt"

	"emodrop/shared/job"
)

// Charged says truthfully what an outcome cost.
func Charged(m job.Message, lang Lang) string {
	zh := lang == Chinese
	pick := func(en, cn string, args ...any) string {
		if zh {
			return fmt.Sprintf(cn, args...)
		}
		return fmt.Sprintf(en, args...)
	}
	switch {
	case m.Job == "":
		return pick("Nothing was charged.", "没有产生费用。")
	case m.State == job.Succeeded:
		return pick("Charged by the vendor: %s.", "服务商计费：%s。", m.Billed)
	case m.State == job.Held:
		return pick("Whether the film was charged is open until this is settled.", "在处理之前，尚不能确定是否已计费。")
	case m.Wasted > 0:
		return pick("Charged by the vendor and lost: %s.", "已由服务商计费但丢失：%s。", m.Wasted)
	case m.State == job.Expired:
		return pick("The film may have been charged; the vendor's bill tells.", "这段视频可能已计费，请以服务商账单为准。")
	}
	return pick("Nothing was charged for a film. A check of the portrait may cost CNY 0.004.", "没有产生视频费用。图片检测可能产生 0.004 元费用。")
}
