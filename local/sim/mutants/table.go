package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is the real code without one of its guards.
type mutant struct {
	name string
	// promise is what the guard keeps.
	promise string
	edits   []edit
}

// edit replaces a text that occurs once in a file.
type edit struct{ file, old, new string }

// apply makes the edits in files, by path. An error says which text is not there
// exactly once: the code has changed and the table has to follow.
func (m mutant) apply(files map[string]string) error {
	for _, e := range m.edits {
		if n := strings.Count(files[e.file], e.old); n != 1 {
			return fmt.Errorf("mutant %q: %s holds its text %d times, not once: %.60q", m.name, e.file, n, e.old)
		}
		files[e.file] = strings.Replace(files[e.file], e.old, e.new, 1)
	}
	return nil
}

// sources are the mutant's files below root, by path, with its edits.
func (m mutant) sources(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range m.edits {
		if _, seen := files[e.file]; seen {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file))) // #nosec G304 -- named in the table
		if err != nil {
			return nil, err
		}
		files[e.file] = string(src)
	}
	return files, m.apply(files)
}

// table is all mutants, in the order of a job's life.
func table() []mutant {
	return slices.Concat(intakes(), admissions(), creates(), searches(), looks(), films(), messages(), orders(), manifests(), statuses())
}

const (
	storeGate  = "shared/store/gate.go"
	storeJobs  = "shared/store/jobs.go"
	storeMsgs  = "shared/store/messages.go"
	jobGate    = "shared/job/gate.go"
	jobKeys    = "shared/job/keys.go"
	jobMoves   = "shared/job/moves.go"
	dispatch   = "shared/submit/dispatch.go"
	answer     = "shared/submit/answer.go"
	prepare    = "shared/submit/prepare.go"
	create     = "shared/dashscope/create.go"
	wire       = "shared/dashscope/call.go"
	reconcile  = "shared/poll/reconcile.go"
	candidates = "shared/poll/candidates.go"
	look       = "shared/poll/look.go"
	batch      = "shared/poll/batch.go"
	sweeping   = "shared/poll/sweep.go"
	pollRun    = "shared/poll/poll.go"
	finalize   = "shared/finalize/finalize.go"
	film       = "shared/finalize/film.go"
	place      = "shared/finalize/place.go"
	telling    = "shared/tell/tell.go"
	record     = "shared/tell/record.go"
	makeJob    = "shared/intake/make.go"
	pair       = "shared/intake/pair.go"
	served     = "shared/intake/served.go"
	portrait   = "shared/intake/portrait.go"
	controls   = "shared/store/controls.go"
	order      = "shared/intake/control.go"
	manifest   = "shared/intake/manifest.go"
	obey       = "shared/operate/control.go"
	results    = "shared/report/report.go"
	sending    = "shared/tell/send.go"
	showing    = "shared/show/show.go"
)
