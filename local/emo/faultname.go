package emo

import (
	"slices"
	"strconv"
	"strings"
)

// ruleInName reads a fault out of a link's path: fault-KIND, fault-OP-KIND or fault-CODE, and -xN after it for the
// first N times only. Case and _ against - do not matter. The word has to stand by itself: "default-html" is no fault.
func ruleInName(link string) (Rule, bool) {
	path := strings.ToLower(link)
	if _, rest, has := strings.Cut(path, "://"); has {
		_, path, _ = strings.Cut(rest, "/")
	}
	const word = "fault-"
	for at := 0; ; {
		i := strings.Index(path[at:], word)
		if i < 0 {
			return Rule{}, false
		}
		i += at
		at = i + len(word)
		if i > 0 && !boundary(path[i-1:i]) {
			continue
		}
		if r, found := ruleInWords(path[at:]); found {
			return r, true
		}
	}
}

// boundary reports whether a word can end before this text.
func boundary(rest string) bool {
	return rest == "" || strings.ContainsAny(rest[:1], "-_./ ")
}

func ruleInWords(rest string) (Rule, bool) {
	for _, op := range []string{opCreate, opDetect, opQuery, opList, opCancel, opPolicy, opUpload, opResult, opWork, opInput, opPush} {
		if after, has := strings.CutPrefix(rest, op+"-"); has {
			if r, found := ruleOf(op, after); found {
				return r, true
			}
		}
	}
	return ruleOf("", rest) // a kind's own name may begin as an operation's does
}

func ruleOf(op, rest string) (Rule, bool) {
	r := Rule{Op: op}
	flat, length := strings.ReplaceAll(rest, "-", "_"), 0
	for _, k := range kindSet {
		if strings.HasPrefix(flat, k.Name) && boundary(flat[len(k.Name):]) && len(k.Name) > length && (r.Op == "" || slices.Contains(k.Ops, r.Op)) {
			r.Kind, length = k.Name, len(k.Name)
		}
	}
	if length == 0 {
		for _, p := range Problems() {
			if code := strings.ToLower(p.Code); strings.HasPrefix(rest, code) && boundary(rest[len(code):]) && len(code) > length {
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
