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
			{controls, "return change(controlKey(o.Key), nil, to, absent(keyAttr)), nil", "return change(controlKey(o.Key), nil, to), nil"},
			{controls, "return change(controlKey(o.Key), from, to, equal(o.Seen.Rev, \"rev\")), nil", "return change(controlKey(o.Key), from, to), nil"}}},
	}
}

// manifests guard what becomes of a list of hand-ins.
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
		{"manifest's record, as it was read", "what is said of rows meanwhile is not lost", []edit{
			{storeLists, "s.revised(ctx, manifestKey(from.ID()), from.Rev, a, b)", "s.t.write(ctx, change(manifestKey(from.ID()), map[bool]item{false: a}[from.Rev == 0], b))"}}},
		{"results over what was seen", "whoever is slow writes over no newer results", []edit{
			{results, "\tif etag, err = s.Lines.PutLinesOver(", "\tover, _ = s.Lines.ETag(ctx, job.ResultsKey(m.Name))\n\tif etag, err = s.Lines.PutLinesOver("}}},
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
			{sending, "\t\tif m.Row != \"\" {", "\t\tif false {"}}},
		{"mark of a portion kept", "a row that ends while the results are written is in the next ones", []edit{
			{results, "next.Dirty = m.Dirty.Without(seen.Dirty)", "next.Dirty = \"\""}}},
	}
}

// statuses guard the files that say how things stand.
func statuses() []mutant {
	return []mutant{
		{"status over what was seen", "no status file says what was the case before what it said last", []edit{
			{showing, "\t\tif _, err = s.Outbox.PutStatus(", "\t\tover, _, _ = s.Outbox.Status(ctx, key)\n\t\tif _, err = s.Outbox.PutStatus("}}},
		{"status of what was read after the look", "what is shown is newer than what it replaces", []edit{
			{showing, "if j, err = s.Records.Job(ctx, id); err != nil {\n\t\t\treturn err\n\t\t}\n\t\tst,", "if err != nil && !errors.Is(err, job.ErrNotFound) {\n\t\t\treturn err\n\t\t}\n\t\tst,"}}},
		{"status of the newest", "a name's status is that of its newest job", []edit{
			{showing, "err != nil || st.Job != id || stands == mark(j)", "err != nil || stands == mark(j)"}}},
		{"list over what was seen", "the list says nothing older than what it said", []edit{
			{showing, "\tetag, err = s.Outbox.PutStatus(ctx, job.IndexKey", "\t_, over, _ = s.Outbox.ReadStatus(ctx, job.IndexKey)\n\tetag, err = s.Outbox.PutStatus(ctx, job.IndexKey"}}},
	}
}
