package emo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Temporary storage (https://help.aliyun.com/zh/model-studio/get-temporary-file-url): a policy for one model, a form sent
// to the policy's host, an oss:// link that lives two days.

const (
	ossScheme    = "oss://"
	ossAccessKey = "LTAI-emodrop-local"
	ossBucket    = "dashscope-instant"
)

// policy is an upload folder that was given out.
type policy struct {
	Dir, Model string
	Created    time.Time
}

// upload is an object in temporary storage.
type upload struct {
	Key, Model, Blob string
	Size             int64
	Created          time.Time
}

type policyData struct {
	Policy          string `json:"policy"`
	Signature       string `json:"signature"`
	UploadDir       string `json:"upload_dir"`
	UploadHost      string `json:"upload_host"`
	ExpireInSeconds int    `json:"expire_in_seconds"`
	MaxFileSizeMB   int    `json:"max_file_size_mb"`
	CapacityLimitMB int    `json:"capacity_limit_mb"`
	AccessKeyID     string `json:"oss_access_key_id"`
	ACL             string `json:"x_oss_object_acl"`
	ForbidOverwrite string `json:"x_oss_forbid_overwrite"`
}

// policyModel is the model a policy is asked for, for the limit by model.
func (c *call) policyModel() string { return c.r.URL.Query().Get("model") }

func (c *call) policy() answer {
	model := c.policyModel()
	films, detects := c.models()
	switch {
	case c.r.URL.Query().Get("action") != "getPolicy" || model == "":
		return c.refuse(errBody)
	case !slices.Contains(append(films, detects...), model):
		return c.refuse(errModel)
	}
	s := c.s
	account := sha256.Sum256([]byte(accountID))
	dir := fmt.Sprintf("%s/%x/%s/%s", ossBucket, account[:16], c.s.says(c.began).In(cst).Format(time.DateOnly), c.s.newID())
	doc := encode(map[string]any{
		"expiration": c.began.Add(s.cfg.PolicyLife).UTC().Format("2006-01-02T15:04:05.000Z"),
		"conditions": []any{
			[]any{"content-length-range", 0, s.cfg.UploadMB << 20},
			[]any{"starts-with", "$key", dir},
			map[string]string{"bucket": ossBucket},
			map[string]string{"x-oss-object-acl": "private"},
			map[string]string{"x-oss-forbid-overwrite": "true"},
		},
	})
	text := base64.StdEncoding.EncodeToString(doc)
	s.mu.Lock()
	s.policies[dir] = &policy{Dir: dir, Model: model, Created: c.began}
	s.mu.Unlock()
	s.saveOrLog()
	return ok(map[string]any{"request_id": c.requestID, "data": policyData{
		Policy: text, Signature: s.sign(text), UploadDir: dir, UploadHost: s.cfg.BaseURL + "/upload",
		ExpireInSeconds: int(s.cfg.PolicyLife.Seconds()), MaxFileSizeMB: s.cfg.UploadMB, CapacityLimitMB: 999999999,
		AccessKeyID: ossAccessKey, ACL: "private", ForbidOverwrite: "true",
	}})
}

// refusal is why an upload is refused.
type refusal struct {
	status        int
	code, message string
}

func (r refusal) Error() string { return r.code }

func denied(format string, args ...any) error {
	return refusal{http.StatusForbidden, "AccessDenied", fmt.Sprintf("Invalid according to Policy: "+format, args...)}
}

// upload serves the form of step 2. The file comes last, as OSS has it: fields after it are not read.
func (c *call) upload() {
	err := c.receive()
	if no := (refusal{}); errors.As(err, &no) {
		c.refuseXML(no.status, no.code, no.message)
	} else if err != nil {
		c.refuseXML(http.StatusBadRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
	}
}

func (c *call) receive() error {
	s := c.s
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, int64(s.cfg.UploadMB)<<20+maxBody)
	form, err := c.r.MultipartReader()
	if err != nil {
		return err
	}
	fields := map[string]string{}
	for len(fields) < 50 {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return refusal{http.StatusBadRequest, "IncorrectNumberOfFilesInPOSTRequest", "POST requires exactly one file upload per request."}
		}
		if err != nil {
			return err
		}
		if part.FormName() != "file" {
			value, err := io.ReadAll(io.LimitReader(part, 64<<10))
			if err != nil {
				return err
			}
			fields[strings.ToLower(part.FormName())] = string(value)
			continue
		}
		key := strings.ReplaceAll(fields["key"], "${filename}", part.FileName())
		c.fault = s.faults.pick(opUpload, subject{names: []string{ossScheme + key}})
		if !c.strikeBefore() {
			return nil
		}
		limit, model, err := s.checkForm(fields, key, c.began)
		if err != nil {
			return err
		}
		if err := c.keep(part, key, model, limit); err != nil {
			return err
		}
		status := http.StatusNoContent
		if n, err := strconv.Atoi(fields["success_action_status"]); err == nil && (n == 200 || n == 201) {
			status = n
		}
		c.w.WriteHeader(status)
		return nil
	}
	return errors.New("too many fields")
}

// checkForm checks the form against its own signed policy. It returns the largest size allowed and the model.
func (s *Server) checkForm(fields map[string]string, key string, now time.Time) (limit int64, model string, err error) {
	for _, name := range []string{"key", "policy", "ossaccesskeyid", "signature"} {
		if fields[name] == "" {
			return 0, "", refusal{http.StatusBadRequest, "InvalidArgument", "Bucket POST must contain a field named '" + name + "'."}
		}
	}
	if fields["ossaccesskeyid"] != ossAccessKey {
		return 0, "", refusal{http.StatusForbidden, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."}
	}
	if !s.signed(fields["policy"], fields["signature"]) {
		return 0, "", refusal{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	}
	doc, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err != nil {
		return 0, "", refusal{http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: Invalid encoding."}
	}
	var pol struct {
		Expiration time.Time         `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(doc, &pol); err != nil {
		return 0, "", refusal{http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."}
	}
	if !now.Before(pol.Expiration) {
		return 0, "", denied("Policy expired.")
	}
	values := map[string]string{"key": key, "bucket": ossBucket}
	for name, v := range fields {
		if name != "key" {
			values[name] = v
		}
	}
	var dir string
	for _, raw := range pol.Conditions {
		var exact map[string]string
		var list []any
		if json.Unmarshal(raw, &exact) == nil {
			for name, want := range exact {
				if values[name] != want {
					return 0, "", denied(`Policy Condition failed: ["eq", "$%s", "%s"]`, name, want)
				}
			}
		} else if json.Unmarshal(raw, &list) == nil && len(list) == 3 {
			switch text, _ := list[2].(string); list[0] {
			case "starts-with":
				if dir = text; !strings.HasPrefix(key, text+"/") {
					return 0, "", denied(`Policy Condition failed: ["starts-with", "$key", "%s"]`, text)
				}
			case "content-length-range":
				most, _ := list[2].(float64)
				limit = int64(most)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pass := s.policies[dir]
	if pass == nil {
		return 0, "", denied("Policy expired.")
	}
	if s.uploads[key] != nil {
		return 0, "", refusal{http.StatusConflict, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."}
	}
	return limit, pass.Model, nil
}

func (c *call) keep(part io.Reader, key, model string, limit int64) error {
	s := c.s
	sum := sha256.Sum256([]byte(key))
	blob := "up-" + hex.EncodeToString(sum[:])
	size, err := s.blobs.put(blob, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(part, limit+1))
		if err == nil && n > limit {
			err = refusal{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
		}
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.uploads[key] = &upload{Key: key, Model: model, Blob: blob, Size: size, Created: c.began}
	s.mu.Unlock()
	s.saveOrLog()
	return nil
}

// uploadRead refuses plain access: objects in temporary storage can be read by the models only.
func (c *call) uploadRead() {
	c.refuseXML(http.StatusForbidden, "AccessDenied", "You have no right to access this object because of bucket acl.")
}

// uploaded resolves an oss:// link for a model. What a foreign or dead object gives is ASSUMED.
func (s *Server) uploaded(link, model string) (*upload, *Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[strings.TrimPrefix(link, ossScheme)]
	switch {
	case u == nil, time.Since(u.Created) >= s.cfg.UploadLife:
		return nil, &errDownload
	case u.Model != model:
		return nil, &errForbidden
	}
	return u, nil
}

func (s *Server) readUpload(u *upload, kind inputKind) ([]byte, *Problem) {
	if u.Size > kind.max {
		return nil, kind.tooBig
	}
	body, err := s.blobs.open(u.Blob)
	if err != nil {
		return nil, &errDownload
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, kind.max))
	if err != nil {
		return nil, &errDownload
	}
	return data, nil
}
