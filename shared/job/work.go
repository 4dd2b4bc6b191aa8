package job

// Work is what poll hands to the submit function: {"dispatch":true, …}, with the
// names and ids of what it found past its time, and the keys of the inbox that the
// sweep found.
type Work struct {
	Dispatch bool     `json:"dispatch"`
	Keys     []string `json:"keys,omitempty"`
	Stems    []string `json:"stems,omitempty"`
	Folders  []string `json:"folders,omitempty"`
	Jobs     []string `json:"jobs,omitempty"`
	// Manifests are those with rows that nobody has taken in.
	Manifests []string `json:"manifests,omitempty"`
}

// Empty reports whether there is nothing to hand over but the wish to dispatch.
func (w Work) Empty() bool {
	return len(w.Keys)+len(w.Stems)+len(w.Folders)+len(w.Jobs)+len(w.Manifests) == 0
}

// Finalization is what the finalize function is invoked with.
type Finalization struct {
	JobID string `json:"job_id"`
}
