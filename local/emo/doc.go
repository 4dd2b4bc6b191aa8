// Package emo emulates Alibaba DashScope's EMO service (models emo-v1 and emo-detect-v1) closely enough that a client
// written against it meets every answer the real service is documented to give, and many it should never give.
//
// It is an http.Handler first: [Server.Handler] serves what the vendor serves, [Server.Transport] carries requests to
// it without a socket (also inside a testing/synctest bubble), and [Server.Admin] shows what would have been billed
// and what was asked. It downloads its inputs for real, keeps one queue, and lets tasks, links and uploads die when
// the vendor's would.
//
// It pushes the events of tasks that ended, signed, to one target (Config.Push). It does not animate anything by itself
// (Config.Films does) and never asks the real service.
//
// Its one invariant: a film is in the ledger exactly when its task ended as SUCCEEDED, once; whatever else goes wrong
// on the way, nothing is charged.
//
// Facts about the vendor come from its public documents, named where they are used; what nobody states is marked
// ASSUMED and listed in docs/emulator.md.
package emo
