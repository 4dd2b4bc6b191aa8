package main

// orders guard what people ask for by objects in the inbox.
func orders() []mutant {
	return []mutant{
		{"order noted with its move", "an order counts once", []edit{
			{controls, "return s.move(ctx, from, to, w, while(o.Stem))", "_ = w\n\treturn s.move(ctx, from, to, while(o.Stem))"}}},
		{"order that has counted", "a writing of an order counts once, however often it is found", []edit{
			{order, "if seen, err := h.Controls.Heeded(ctx, key); err != nil || !seen.Counts(half.Modified, half.ETag) {", "if _, err := h.Controls.Heeded(ctx, key); err != nil {"},
			{obey, "if err != nil || !seen.Counts(o.Written, o.ETag) {", "if err != nil {"}}},
		{"order's record, as it was read", "of two that found an order one carries it out", []edit{
			{controls, "return revision(controlKey(o.Key), o.Seen.Rev, from, to), nil", "return change(controlKey(o.Key), from, to), nil"}}},
	}
}

// manifests guard what becomes of a list of hand-ins. Three guards have no mutant, as 500
// seeds do not notice when they are gone: that the record is written over what was read of
// it, the results over what was seen of them, and that a mark which comes meanwhile stays.
// What is lost by that stands until the next row ends or the hourly look, and the worlds
// judge the end.
func manifests() []mutant {
	return []mutant{
		{"manifest's cursor", "a row counts as taken in when its job is there", []edit{
			{manifest, `		if err := h.takeRows(ctx, m, portion, files); errors.Is(err, errOvertaken) {
			return h.stepBack(ctx, m, 1) // in vain, as the record is the newer one's
		} else if err != nil {
			return errors.Join(err, h.stepBack(ctx, m, 1))
		}
		next := m
`, "\t\tbefore, next := m, m\n"},
			{manifest, `		if m, err = h.keep(ctx, m, next); err != nil || m.Rev == 0 || stop {
			return err
		}
`, `		if m, err = h.keep(ctx, m, next); err != nil || m.Rev == 0 {
			return err
		}
		if err = h.takeRows(ctx, before, portion, files); err != nil || stop {
			return err
		}
`}}},
		{"results before their portions", "who dies in between writes the results again", []edit{
			{results, `	if etag, err = s.Lines.PutLinesOver(ctx, job.ResultsKey(m.Name), bytes.Join(w.parts, nil), over); err != nil {
		if errors.Is(err, job.ErrNotFound) {
			err = job.ErrConflict // somebody has deleted them
		}
		return "", err
	}
	errs := make`, "\terrs := make"},
			{results, "\treturn etag, errors.Join(errs...)", `	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	if etag, err = s.Lines.PutLinesOver(ctx, job.ResultsKey(m.Name), bytes.Join(w.parts, nil), over); errors.Is(err, job.ErrNotFound) {
		err = job.ErrConflict
	}
	return etag, err`}}},
		{"portion marked", "a row that ends brings the results up to date", []edit{
			{sending, "row != \"\" {", "false {"}}},
	}
}

// statuses guard the files that say how things stand. That a file, and the list, is written
// over what was seen, and says what was read after that, has no mutant: what is older than
// the last word is put right by whoever shows the next change, and the worlds judge the end.
// The tests of shared/show hold that.
func statuses() []mutant {
	return []mutant{
		{"status of the newest", "a name's status is that of its newest job", []edit{
			{showing, "err != nil || st.Job != id || stands == mark(j)", "err != nil || st.Job == \"\" || stands == mark(j)"}}},
	}
}
