// Package sim is the whole pipeline in one process under virtual time: the real
// steps (intake, submit, poll, finalize, tell) and the real DashScope client over the
// emulator, with buckets, outlets and a function host in memory. A test lets any
// call of a port go wrong: fail before or after its effect, or kill the invocation
// that makes it there.
//
// The ports are plain Go. In a world over the wire (Config.Wire) they are the adapters
// of shared/ on real SDK clients, and every HTTP request is a call that can go wrong;
// such a world takes about six times as long.
//
// A test either chooses what goes wrong (Plan), or a seed does: NewSchedule draws a
// stack, what people do, and a Storm over it all, Play lets it happen, and Judge holds
// what came of it to the promises of the whole. A seed goes the same way every time.
//
// It is for tests inside a testing/synctest bubble and opens no socket. It knows of no
// policy or template. Its one invariant: an invocation that was killed, or whose time
// is up, has no effect from that moment on.
//
// One World is one stack, made by New inside the bubble and ended by Close in it.
// What was handed in, what the vendor charged and what was told can be asked at any
// time; Unfinished says what is still under way.
package sim
