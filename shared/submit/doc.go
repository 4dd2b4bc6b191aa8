// Package submit takes jobs from RECEIVED to the vendor: it has the portrait's
// face found, queues the job, and, when the gate admits it, posts the one create
// call that is paid for.
//
// It is the only package that may create a paid task. Its one invariant: a create
// call is made only between the transaction that writes its intent and the end of
// the posting lease taken in it, once, and nothing comes between the two. Whatever
// is unclear afterwards stays SUBMITTING for poll to settle.
package submit
