package main

// searches guard what is made of a create call that nobody knows the outcome of.
func searches() []mutant {
	return []mutant{
		{"list", "the vendor's list is looked into", []edit{{reconcile, "\tc, err := s.candidates(ctx, j, g.KeyID)\n", "\tvar c candidates\n"}}},
		{"quiet period", "the list may lag", []edit{{reconcile, "\tcase now.Sub(in.Revoked) < s.Quiet:\n", "\tcase false:\n"}}},
		{"inputs taken back", "a task that shows up too late fails unbilled", []edit{
			{reconcile, "if err := s.Staging.Remove(ctx, in.StagedImage, in.StagedAudio); err != nil {", "if false {"}}},
		{"window's end", "the next intent's task is not taken for this one's", []edit{
			{candidates, "case !t.Created.Before(from) && !t.Created.After(to):", "case !t.Created.Before(from) && !to.IsZero():"}}},
		{"window's beginning", "an earlier intent's task is not taken for this one's", []edit{
			{candidates, "case !t.Created.Before(from) && !t.Created.After(to):", "case !t.Created.After(to):"}}},
		{"owners", "a task that has an owner is nobody else's", []edit{
			{candidates, "case errors.Is(err, job.ErrNotFound) || err == nil && owner == j.ID:", "case errors.Is(err, job.ErrNotFound) || err == nil && owner != \"\":"},
			{storeJobs, "\t\tconds: []cond{oneOf(absent(keyAttr), equal(jobID, \"job\"))}}\n", "\t}\n"}}},
		{"foreign keys", "a stranger's task is not ours", []edit{
			{candidates, "if k.strange[t.KeyID] {", "if false {"},
			{candidates, "c.sure = c.sure && (k.own[t.KeyID] || k.lonely(t.KeyID, free))", "c.sure = true || k.lonely(t.KeyID, free)"}}},
		{"own key", "a task of a key that may be a stranger's is not adopted", []edit{
			{candidates, "c.sure = c.sure && (k.own[t.KeyID] || k.lonely(t.KeyID, free))", "c.sure = true || k.lonely(t.KeyID, free)"}}},
		{"several", "one of several is not picked at random", []edit{
			{reconcile, "case len(c.found) == 1 && c.sure:", "case len(c.found) == 1 && c.sure, len(c.found) > 1:"}}},
	}
}

// looks guard what is made of the vendor's words for a task, and the rounds in which
// they are asked for.
func looks() []mutant {
	return []mutant{
		{"id's life", "a task counts as gone only when its time is over", []edit{
			{look, "\t// Still going on, or a word we do not know, or one that goes backwards.\n\tif s.outlived(j) {", "\tif true {"}}},
		{"failed question", "a question that failed says nothing of the task", []edit{
			{look, "\t\t}\n\t}\n\tif s.outlived(j) {\n\t\treturn s.expire(ctx, r, j, job.CodeTaskExpired, v.RequestID)", "\t\t}\n\t}\n\tif true {\n\t\treturn s.expire(ctx, r, j, job.CodeTaskExpired, v.RequestID)"}}},
		{"asked again", "a task that the vendor does not know once is asked for again", []edit{
			{look, "if next.Task.Missing > looks {", "if next.Task.Missing > 0 {"}, {look, "if age < s.AskFirst+s.Quiet {", "if false {"},
			{look, "\t\tif !listed {\n", "\t\tif true || !listed {\n"}}},
		{"list asked too", "a task that the list shows is not gone", []edit{{look, "\t\tif !listed {\n", "\t\tif true || !listed {\n"}}},
		{"link", "a film without a link is asked for again", []edit{{look, "\t\tif a.VideoURL != \"\" {\n", "\t\tif true {\n"}}},
		{"attempts", "a task that keeps failing ends", []edit{{look, "if j.Attempt-j.Series < s.MaxAttempts {", "if true {"}}},
		{"poll's lease", "one tick is at work at a time", []edit{
			{pollRun, "if ok, err := s.enter(ctx, owner, start); err != nil || !ok {", "if ok, err := s.enter(ctx, owner, start); false && (err != nil || !ok) {"},
			{pollRun, "\t\tif errors.Is(err, job.ErrConflict) {\n\t\t\treturn nil // this tick", "\t\tif false {\n\t\t\treturn nil // this tick"},
			{pollRun, "\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n}\n\n// enter", "\t}\n}\n\n// enter"}}},
		{"storing handed on again", "a film whose finalizer died is brought home", []edit{
			{batch, "\tcase job.Storing:\n", "\tcase job.Storing:\n\t\treturn nil\n"}}},
		{"received handed on again", "a hand-in whose submit died goes on", []edit{
			{batch, "\tcase job.Received:\n", "\tcase job.Received:\n\t\treturn nil\n"}}},
		{"sweep", "a file whose event never came is found", []edit{{sweeping, "\tif len(keys) > 0 {\n", "\tif false {\n"}}},
		{"sweep looks back", "a file that was found and got lost on the way is found again", []edit{
			{sweeping, "\t\tif !sw.Open.IsZero() && sw.Open.Before(next.Since) {", "\t\tif false {"}}},
		{"probe", "a gate that closed by itself opens by itself", []edit{{batch, "\t\treturn s.probe(ctx)\n", "\t\treturn nil\n"}}},
	}
}
