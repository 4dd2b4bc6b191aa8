// Package words is every text that people read: the failure catalogue as data, the
// mail, the record and the event of an outcome, in English and Chinese.
//
// It sends nothing and decides nothing. Its one invariant: every fault code has a
// cause and a way out in every language, and no text carries a presigned URL.
package words

import "fmt"

// Lang is a language of the texts.
type Lang string

// The languages.
const (
	English Lang = "en"
	Chinese Lang = "zh" // simplified
)

// Languages are all of them, in the order in which mails speak them.
func Languages() []Lang { return []Lang{English, Chinese} }

// Place is where outcomes stand, for the texts that name them.
type Place struct {
	// Bucket is the outbox, InboxBucket the inbox.
	Bucket, InboxBucket string
	Region              string
	// Console is the address of a page about the stack; empty: the AWS console's
	// page of the film, or of the inbox.
	Console string
}

// Note is a message for a topic.
type Note struct {
	// ID is the same however often the message is sent.
	ID string
	// Subject is ASCII, without line ends, under 100 characters.
	Subject string
	// Text is for people, JSON for machines.
	Text, JSON string
	// Attributes are what subscribers filter by: at most 9 (the message's id is
	// the tenth), none of them empty.
	Attributes map[string]string
}

func sprint(format string, args ...any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
