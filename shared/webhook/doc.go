// Package webhook posts what is to be told to an address that somebody else has named:
// JSON, signed by the rules of Standard Webhooks.
//
// It renders nothing and tries once: when again is its caller's to say. Its one
// invariant: no request goes anywhere but to the one address, by https and at a public
// address, without redirects and without a proxy; and no error shows more of it than
// its host, for path and query may hold a token.
//
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (1.0.0)
package webhook
