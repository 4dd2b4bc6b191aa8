// Package memdb is a DynamoDB in memory: an http.Handler that speaks its JSON
// protocol for what the jobs table needs, with indexes that lag and an exact
// account of the capacity consumed.
//
// It is for tests that run the real SDK client inside a testing/synctest bubble,
// where a process of its own (package dynamo) cannot be used: it opens no socket,
// starts no goroutine and takes the time from package time. It checks no
// signatures (package gateway does) and deletes nothing by TTL. It knows the
// operations GetItem, PutItem, UpdateItem, DeleteItem, TransactWriteItems, Query on
// an index, CreateTable and DescribeTable; tables with one string key; indexes that
// hold keys only; SET of values, REMOVE, and conditions with every name behind a
// #placeholder. It has no binary values, sets, list elements, projections, filters
// or returned items.
//
// Its one invariant: what it does not know it refuses with a ValidationException.
// Nothing in a request is passed over in silence.
package memdb
