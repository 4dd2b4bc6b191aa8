package reach

import "emodrop/shared/words"

// Refusal is why a stack is not found, and what to do, in every language.
type Refusal struct {
	// Code is stable, for programs.
	Code string
	// Usage tells that the call was wrong rather than the surroundings, Key that a
	// key or permission is missing.
	Usage, Key     bool
	what, fix      [2]string // English, Chinese
	whatIs, fixFor string    // facts, put at the end of the sentences
}

// Say is the refusal in a language: what is the case, and what to do.
func (r *Refusal) Say(lang words.Lang) (what, fix string) {
	i := 0
	if lang == words.Chinese {
		i = 1
	}
	return r.what[i] + r.whatIs, r.fix[i] + r.fixFor
}

func (r *Refusal) Error() string {
	what, fix := r.Say(words.English)
	return what + "; " + fix
}
