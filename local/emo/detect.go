package emo

import (
	"encoding/json"
	"net/http"
)

// detection is the "output" object of a detect answer.
type detection struct {
	CheckPass bool   `json:"check_pass"`
	Face      []int  `json:"face_bbox,omitempty"`
	Ext       []int  `json:"ext_bbox,omitempty"`
	Humanoid  bool   `json:"humanoid"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
}

type imageUsage struct {
	Images int `json:"image_count"`
}

type detectAnswer struct {
	Output    detection   `json:"output"`
	Usage     *imageUsage `json:"usage,omitempty"`
	RequestID string      `json:"request_id"`
}

// detect serves the portrait check (https://help.aliyun.com/zh/model-studio/emo-detect-api): synchronous, billed whenever
// it was carried out.
func (c *call) detect() answer {
	if enabled(c.r.Header, "X-DashScope-Async") {
		return c.refuse(errAsync)
	}
	films, detects := c.models()
	req, p := c.decode(detects, films)
	if p != nil {
		return c.refuse(*p)
	}
	var in struct {
		Image string `json:"image_url"`
	}
	if json.Unmarshal(req.Input, &in) != nil {
		return c.refuse(errBody)
	}
	if absent(req.Parameters) {
		return c.refuse(errNoParameters)
	}
	par := struct {
		Ratio string `json:"ratio"`
	}{ratioSquare}
	if json.Unmarshal(req.Parameters, &par) != nil {
		return c.refuse(errBody)
	}
	if par.Ratio != ratioSquare && par.Ratio != ratioHalf {
		return c.refuse(errRatio)
	}
	if p := c.checkLink(in.Image, req.Model); p != nil {
		return c.refuse(*p)
	}
	picture, p := c.s.fetch(c.r.Context(), imageInput, in.Image, req.Model)
	if p != nil {
		return c.refuse(*p)
	}
	found, p := c.s.look(c.r.Context(), picture, in.Image)
	if p != nil {
		if *p == errResolution { // the picture was read: a verdict, not a failed request
			return c.reject(req.Model, *p, false)
		}
		return c.refuse(*p)
	}
	face, ext, p := judge(found, par.Ratio)
	if c.fault != nil && c.fault.Kind == "reject" {
		wanted := c.fault.problem(errFacePose)
		p = &wanted
	}
	if p != nil {
		return c.reject(req.Model, *p, len(found.Faces) > 0)
	}
	c.chargeDetect(req.Model)
	return ok(detectAnswer{
		Output:    detection{CheckPass: true, Face: face[:], Ext: ext[:], Humanoid: true},
		Usage:     &imageUsage{1},
		RequestID: c.requestID,
	})
}

// judge decides on a portrait. What counts as too dark, too small or too large is ASSUMED.
func judge(found Finding, ratio string) (face, ext [4]int, p *Problem) {
	switch {
	case len(found.Faces) == 0:
		return face, ext, &errDetectNone
	case len(found.Faces) > 1:
		return face, ext, &errDetectMany
	case found.Brightness < darkest:
		return face, ext, &errDark
	}
	one := found.Faces[0]
	face, ext, fits := boxes(found.Width, found.Height, one, ratio)
	side := max(one.Dx(), one.Dy())
	small, large := side*20 < min(found.Width, found.Height), side*5 > (ext[2]-ext[0])*4
	if !fits || small || large {
		return face, ext, &errProportion
	}
	return face, ext, nil
}

// reject refuses a portrait in the configured form. Only the form with HTTP 200 carries a usage and is billed
// (https://help.aliyun.com/zh/model-studio/emoji-detect-api says so of the sibling model).
func (c *call) reject(model string, p Problem, humanoid bool) answer {
	nested := detectAnswer{Output: detection{Humanoid: humanoid, Code: p.Code, Message: p.Message}, RequestID: c.requestID}
	switch c.s.cfg.DetectRejects {
	case RejectTopLevel:
		return c.refuse(p)
	case RejectNested400:
		return answer{status: http.StatusBadRequest, problem: &p, body: nested}
	}
	nested.Usage = &imageUsage{1}
	c.chargeDetect(model)
	return answer{status: http.StatusOK, problem: &p, body: nested}
}

func (c *call) chargeDetect(model string) {
	s := c.s
	s.mu.Lock()
	s.ledger = append(s.ledger, Charge{Time: c.began, Model: model, RequestID: c.requestID, APIKeyID: c.keyID, Images: 1, CNY: priceDetect})
	s.mu.Unlock()
	s.saveOrLog()
}
