// Package bucket is the adapter to S3: the inbox that files are dropped into, and
// the outbox with films, records and the vendor's staged copies of inputs.
//
// It decides nothing. Its one invariant: a film or a copy is written only under
// the condition it was decided on (an ETag, or absence), so nothing that somebody
// else put there meanwhile is overwritten unseen.
package bucket
