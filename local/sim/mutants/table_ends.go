package main

// intakes guard what becomes a job.
func intakes() []mutant {
	return []mutant{
		{"one job of one hand-in", "the same content again is the same job", []edit{
			{storeJobs, "nil, to, absent(keyAttr))}\n", "nil, to)}\n"}}},
		{"claim", "whoever comes in between knows of the job", []edit{
			{makeJob, "if claim, err = h.HandIns.PutStem(ctx, st, claim); err != nil {", "if claim = st; err != nil {"}}},
		{"replaced job taken back", "a newer hand-in takes the place of one that waits", []edit{
			{makeJob, "\t\tif st, err = h.replace(ctx, st, old); err != nil {\n", "\t\tif err = error(nil); err != nil {\n"}}},
		{"a name's move", "what a hand-in does to a job of its name it does only while the name is as it was read", []edit{
			{storeJobs, "\tw := while(st)\n", "\tw := while(st)\n\tw.conds = nil\n"}}},
		{"settle", "files of one upload count together", []edit{
			{pair, "if wait = min(wait, h.Settle); wait > 0 {", "if wait = 0; wait > 0 {"}}},
		{"own picture", "a recording does not go with the portrait when it has a picture", []edit{
			{portrait, "kind != Sidecar && kind != Picture ||", "kind != Sidecar ||"}}},
		{"unheard options", "a recording does not go without the options that stand beside it", []edit{
			{portrait, "kind != Sidecar && kind != Picture ||", "kind != Picture ||"}}},
		{"late options", "options that come after the job has left make no second one", []edit{
			{makeJob, "if old.ID != j.ID && sameContent(old, j) && !unsent(old) && !GivenUp(old) {", "if false {"}}},
		{"a row's name", "files that are older than a manifest do not undo its rows", []edit{
			{pair, "\t\tif st.OfRow() {\n", "\t\tif false {\n"}}},
		{"another portrait", "a portrait never makes a second job of a recording", []edit{
			{makeJob, "late := (st.Shared || p.shared) && st.Job != \"\" && !yields(old, p)", "late := false"},
			{served, "return !p.shared || !other || !yields(old, p), nil", "return !p.shared || !other, nil"}}},
	}
}

// films guard the way home.
func films() []mutant {
	return []mutant{
		{"finalize's lease", "one has a film to himself", []edit{{finalize, "if time.Now().Before(j.Busy) {", "if false {"}}},
		{"film verified", "what stands in the outbox is a whole film", []edit{
			{finalize, "film, err = verify(file)", "film, err = verify(file)\n\t\tif err != nil {\n\t\t\tfilm, err = job.Film{SHA256: \"?\", Size: 1}, nil\n\t\t\treturn h.end(ctx, j, func() job.Job {\n\t\t\t\tn := j\n\t\t\t\tfilm, _ = h.place(ctx, j, film, file, false)\n\t\t\t\tn.State, n.Film = job.Succeeded, &film\n\t\t\t\treturn n\n\t\t\t}())\n\t\t}"}}},
		{"film fits", "a film that does not fit its request is nobody's", []edit{{finalize, "why != \"\" && !j.Accepted {", "false {"}}},
		{"conditional put", "what stands there is replaced only as it was seen", []edit{
			{place, "\t\tif !changed(err) {\n\t\t\treturn film, err\n\t\t}\n\t}\n\treturn film, job.ErrConflict", `		for changed(err) && ctx.Err() == nil {
			seen, _ = h.Outbox.Film(ctx, film.Key)
			film.ETag, err = h.Outbox.PutFilm(ctx, j, film, file, seen.ETag)
		}
		return film, err
	}
	return film, job.ErrConflict`}}},
		{"older film put aside", "an older film was paid for too", []edit{
			{place, "if err := h.putAside(ctx, j.Name, seen); changed(err) {", "if err := error(nil); changed(err) {"}}},
		{"same film again", "a film that is there is not written again", []edit{
			{place, "case err == nil && seen.Job == j.ID && seen.SHA256 == film.SHA256:", "case false:"}}},
		{"newest", "the plain name is the newest hand-in's", []edit{
			{place, "return st.Job == j.ID, err", "return st.Job != \"\" || err != nil, err"}}},
		{"failed copy", "a film that cannot be copied is not made anew", []edit{
			{jobMoves, "\t{Storing, Expired, Finalize,", "\t{Storing, Queued, Finalize, \"\"},\n\t{Storing, Expired, Finalize,"},
			{finalize, "\tnext.Busy = time.Time{}\n\tnext.Due = time.Now().Add(job.Backoff(h.Backoff, j.Tries-1))\n", "\tnext.Busy, next.Due, next.State, next.Intent, next.Attempt = time.Time{}, time.Time{}, job.Queued, nil, j.Attempt+1\n"}}},
		{"link's life", "a film is lost only when its link can no longer work", []edit{
			{finalize, "if gone && over > h.Profile.ServerTimeout || over > h.Profile.LinkLife {", "if over > -h.Profile.LinkLife {"}}},
	}
}

// messages guard what is told.
func messages() []mutant {
	return []mutant{
		{"message with the move", "an outcome without a message is not there", []edit{
			{storeJobs, "if from.State != moved.State && moved.State.Told() {", "if false {"}}},
		{"message kept until it is sent", "every channel has it before it goes", []edit{{telling, "\t\t\tleft.Unsent = append(left.Unsent, c)\n", ""}}},
		{"message forgotten after it is sent", "who dies in between repeats it", []edit{
			{telling, "\tleft.Unsent = nil\n", "\tleft.Unsent = nil\n\tif err := t.Messages.PutMessage(ctx, *m, left); err != nil {\n\t\treturn err\n\t}\n"}}},
		{"message due", "what is unsent is sent again", []edit{{batch, "\tcase job.DueMessage:\n", "\tcase job.DueMessage:\n\t\treturn nil\n"}}},
		{"record looked at again", "the plain record is the last word on its name", []edit{
			{record, "if err != nil || after == before {", "if true || after == before {"}}},
		{"older outcome", "an older job's record does not take a newer one's place", []edit{
			{record, "case s.newest != m.Job || replaced(m):", "case false:"}}},
	}
}
