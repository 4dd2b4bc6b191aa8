package template

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// buckets: private, encrypted, over TLS only; staged inputs and broken uploads go
// away by themselves, what was paid for does not.
func buckets(t *tree, _ *code) []string {
	var wrong []string
	w := t.plain()
	for _, b := range t.ofKind("AWS::S3::Bucket") {
		bad := func(format string, args ...any) {
			wrong = append(wrong, "Resources/"+b.id+": "+fmt.Sprintf(format, args...))
		}
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if textAt(b.props, "PublicAccessBlockConfiguration/"+block) != "true" {
				bad("%s is not on", block)
			}
		}
		if b.props["AccessControl"] != nil || textAt(b.props, "OwnershipControls/Rules/0/ObjectOwnership") != "BucketOwnerEnforced" {
			bad("access lists are in use")
		}
		if textAt(b.props, "BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm") != "AES256" {
			bad("is not encrypted with S3's own key; the roles may use no other")
		}
		if b.props["BucketName"] != nil {
			bad("has a name of its own: a second stack would collide")
		}
		closed := false
		for _, p := range t.ofKind("AWS::S3::BucketPolicy") {
			if textAt(p.props, "Bucket/Ref") != b.id {
				continue
			}
			for _, s := range list(w.value(at(p.props, "PolicyDocument/Statement"))) {
				on := texts(at(s, "Resource"))
				closed = closed || isTLSOnly(s, "s3:*") && slices.Contains(on, "<"+b.id+".Arn>") && slices.Contains(on, "<"+b.id+".Arn>/*")
				if textAt(s, "Effect") != "Deny" {
					bad("a policy lets somebody in")
				}
			}
		}
		if !closed {
			bad("takes requests without TLS")
		}
		if ended := rules(b, func(r any) bool { return number(at(r, "AbortIncompleteMultipartUpload/DaysAfterInitiation")) == 1 }); len(ended) != 1 || at(ended[0], "Prefix") != nil {
			bad("incomplete uploads stay, and cost")
		}
		for _, r := range rules(b, func(r any) bool { return at(r, "ExpirationInDays") != nil || at(r, "ExpirationDate") != nil }) {
			// What manifests' results are put together from is of use as long as the records of
			// their jobs are there, twice over.
			portions := textAt(r, "Prefix") == portionsPrefix() && time.Duration(number(at(r, "ExpirationInDays")))*24*time.Hour >= 2*store.Retention
			if b.id != "OutboxBucket" || !portions && !slices.Contains([]string{stagingPrefix(), path.Dir(job.IndexKey) + "/"}, textAt(r, "Prefix")) {
				bad("the rule %s deletes what people put there or paid for", textAt(r, "Id"))
			}
		}
		for _, r := range list(at(b.props, "LifecycleConfiguration/Rules")) {
			if textAt(r, "Status") != "Enabled" {
				bad("the rule %s is off", textAt(r, "Id"))
			}
		}
	}
	out := t.resource("OutboxBucket")
	staged := rules(out, func(r any) bool { return textAt(r, "Prefix") == stagingPrefix() })
	if len(staged) != 1 || textAt(staged[0], "ExpirationInDays") != "1" || textAt(staged[0], "NoncurrentVersionExpiration/NoncurrentDays") != "1" {
		wrong = append(wrong, "Resources/OutboxBucket: staged inputs, old versions included, do not go after a day")
	}
	if textAt(out.props, "VersioningConfiguration/Status") != "Enabled" {
		wrong = append(wrong, "Resources/OutboxBucket: a film can be overwritten for good")
	}
	if kept := rules(out, func(r any) bool {
		return textAt(r, "NoncurrentVersionExpiration/NoncurrentDays/Ref") == "ReplacedFilmDays" && at(r, "Prefix") == nil
	}); len(kept) != 1 {
		wrong = append(wrong, "Resources/OutboxBucket: replaced results stay for ever")
	}
	return wrong
}

// stagingPrefix is where the code puts the vendor's copies.
func stagingPrefix() string {
	image, _ := job.StagedKeys(job.Job{ID: "x"}, 1, "n", ".jpg", ".mp3")
	first, _, _ := strings.Cut(image, "/")
	return first + "/"
}

func portionsPrefix() string {
	first, _, _ := strings.Cut(job.PortionKey(job.Manifest{}, 0), "/")
	return first + "/"
}

func rules(b resource, pick func(any) bool) []any {
	var all []any
	for _, r := range list(at(b.props, "LifecycleConfiguration/Rules")) {
		if pick(r) {
			all = append(all, r)
		}
	}
	return all
}

// outlives says, for each type that holds something, what becomes of it with the
// stack. Data stays, unless the stack that made it never came up.
var outlives = map[string]string{
	"AWS::S3::Bucket": "RetainExceptOnCreate", "AWS::DynamoDB::Table": "RetainExceptOnCreate",
	// A bucket that stays goes on asking for TLS.
	"AWS::S3::BucketPolicy": "RetainExceptOnCreate",
	"AWS::SQS::Queue":       "Delete", "AWS::Logs::LogGroup": "Delete", "AWS::SecretsManager::Secret": "Delete",
}

// deletion: nothing is deleted or kept by default; a secret that people fill holds a
// text that is no key, one that they only copy is long and made at random.
func deletion(t *tree, _ *code) []string {
	var wrong []string
	for _, id := range sorted(mapAt(t.top, "Resources")) {
		r := t.resource(id)
		deleted, replaced := text(r.all["DeletionPolicy"]), text(r.all["UpdateReplacePolicy"])
		want, holds := outlives[r.kind]
		switch {
		case deleted != want:
			wrong = append(wrong, fmt.Sprintf("Resources/%s: DeletionPolicy is %q, want %q", id, deleted, want))
		case holds && replaced != map[bool]string{true: "Delete", false: "Retain"}[want == "Delete"]:
			wrong = append(wrong, fmt.Sprintf("Resources/%s: UpdateReplacePolicy is %q", id, replaced))
		}
	}
	for _, s := range t.ofKind("AWS::SecretsManager::Secret") {
		v := text(s.props["SecretString"])
		random := number(at(s.props, "GenerateSecretString/PasswordLength")) >= 32
		if random == (v != "") || strings.HasPrefix(v, "sk-") || s.props["Name"] != nil {
			wrong = append(wrong, "Resources/"+s.id+": wants a placeholder or a long random text, and no name: a deleted secret keeps its name for weeks")
		}
	}
	walk(t.top, "", func(path string, v any) {
		if strings.Contains(text(v), "{{resolve:") {
			wrong = append(wrong, strings.TrimPrefix(path, "/")+": a key that is resolved at deployment lies open in the function's settings")
		}
	})
	return wrong
}
