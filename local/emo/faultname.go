package emo

import (
	"slices"
	"strconv"
	"strings"
)

// ruleInName reads a fault out of a link's path: fault-KIND, fault-OP-KIND or fault-CODE, and -xN after it for the
// first N times only. Case and _ against - do not matter.
func ruleInName(path string) (Rule, bool) {
	_, rest, found := strings.Cut(strings.ToLower(path), "fault-")
	if !found {
		return Rule{}, false
	}
	var r Rule
	for _, op := range []string{opCreate, opDetect, opQuery, opList, opCancel, opPolicy, opUpload, opResult, opWork} {
		if after, has := strings.CutPrefix(rest, op+"-"); has {
			r.Op, rest = op, after
			break
		}
	}
	flat, length := strings.ReplaceAll(rest, "-", "_"), 0
	for _, k := range kindSet {
		if strings.HasPrefix(flat, k.Name) && len(k.Name) > length && (r.Op == "" || slices.Contains(k.Ops, r.Op)) {
			r.Kind, length = k.Name, len(k.Name)
		}
	}
	if length == 0 {
		for _, p := range Problems() {
			if code := strings.ToLower(p.Code); strings.HasPrefix(rest, code) && len(code) > length {
				r.Code, length = p.Code, len(code)
			}
		}
		switch {
		case length == 0:
			return Rule{}, false
		case r.Op == opDetect, r.Op == "" && strings.HasPrefix(r.Code, "InvalidFile."):
			r.Kind = "reject"
		case r.Op == opWork:
			r.Kind = "fail_task"
		default:
			r.Kind = "status"
		}
	}
	if digits, has := strings.CutPrefix(rest[length:], "-x"); has {
		end := 0
		for end < len(digits) && end < 4 && digits[end] >= '0' && digits[end] <= '9' {
			end++
		}
		r.Count, _ = strconv.Atoi(digits[:end])
	}
	return r, true
}
