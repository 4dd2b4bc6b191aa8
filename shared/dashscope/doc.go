// Package dashscope is the client of Alibaba Cloud's DashScope for EMO: it looks
// for a face, creates a film's task, asks for tasks, lists and cancels them, and
// uploads inputs to the temporary storage.
//
// It keeps no job, waits for no task and decides nothing about a job: each answer
// and each error comes back in the words of package job, and Classify is the one
// place that says what an error means. Files are checked elsewhere.
//
// Its one invariant: a create call is written to the vendor at most once, and its
// outcome is Unknown unless the vendor's answer, or the lack of any connection,
// proves otherwise.
package dashscope
