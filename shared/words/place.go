package words

import (
	"net/url"
	"strings"

	"emodrop/shared/job"
)

// object is an object's address as the command line takes it.
func object(bucket, key string) string { return "s3://" + bucket + "/" + key }

// page is where a person looks next: at the stack's own page, or in the AWS
// console at the film, or at the folder to upload to.
//
// ASSUMED: the paths of the AWS console are in no reference; these are the ones
// that it shows in the browser (2025).
func page(m job.Message, p Place) string {
	if p.Console != "" {
		return p.Console
	}
	q := url.Values{"region": {p.Region}}
	if m.Film != nil {
		q.Set("prefix", m.Film.Key)
		return awsConsole(p.Region) + "/s3/object/" + p.Bucket + "?" + q.Encode()
	}
	if dir := folder(m); dir != "" {
		q.Set("prefix", dir)
	}
	return awsConsole(p.Region) + "/s3/buckets/" + p.InboxBucket + "?" + q.Encode()
}

// folder is the folder of the inbox, with its slash, where what is wrong is put right: that
// of the file at fault, as its key has it, else that of the name. A row's files may be
// anywhere, and a folder from a Mac is another one to the bucket than its name is.
func folder(m job.Message) string {
	if f := m.Fault; f != nil && f.File != "" {
		return f.File[:strings.LastIndexByte(f.File, '/')+1]
	}
	if m.Name.Dir == "" {
		return ""
	}
	return m.Name.Dir + "/"
}

// awsConsole is the console's address in the region's part of AWS.
// Source: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func awsConsole(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "https://console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "https://console.amazonaws-us-gov.com"
	}
	return "https://console.aws.amazon.com"
}
