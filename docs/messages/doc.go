// Package messages holds docs/messages.md, its translation and docs/message.schema.json to
// what is really sent: the pages' blocks are made by the code that sends, of two fixed
// jobs. It is all tests: `go test ./docs/messages`, with -update to write the blocks anew.
package messages
