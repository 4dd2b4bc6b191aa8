package main

// admissions guard the way into SUBMITTING. The fence's condition has no mutant of its
// own: alone it forbids nothing that the lease's and the slots' do not, so it goes with
// each of them; and without them it lets nobody in who has not seen the last admission.
func admissions() []mutant {
	const (
		fence  = "\t\t\tequal(a.Gate.Fence, \"fence\"),\n"
		closed = "\t\t\tabsent(\"closed\"),\n\t\t\toneOf("
		lease  = "\t\t\toneOf(absent(\"lease\"), less(millis(now), \"lease\", \"until_ms\")),\n"
		slots  = "\t\t\toneOf(sizeLess(a.Limit, \"slots\"), exists(\"slots\", to.ID)),\n"
	)
	return []mutant{
		{"posting lease", "at most one create call is in flight per stack", []edit{
			{storeGate, lease, ""}, {jobGate, "case g.Lease != nil && now.Before(g.Lease.Until):", "case false:"}}},
		{"posting lease, in the transaction", "of two that saw it free one gets it", []edit{{storeGate, lease, ""}, {storeGate, fence, ""}}},
		{"slot", "at most MaxInFlight tasks are at the vendor", []edit{
			{storeGate, slots, ""}, {jobGate, "if len(g.Slots) >= limit {", "if false {"}}},
		{"slot, in the transaction", "of two that saw the last slot one gets it", []edit{{storeGate, slots, ""}, {storeGate, fence, ""}}},
		{"gate closed", "nothing is posted while the gate is closed", []edit{
			{storeGate, closed, "\t\t\toneOf("}, {jobGate, "case g.Closed != nil:", "case false:"}}},
		{"gate closed, in the transaction", "who read it open just before it was closed is not admitted", []edit{{storeGate, closed, "\t\t\toneOf("}}},
		{"reservation", "what is at the vendor counts before it is billed", []edit{{storeGate, "\t\tslot[\"r\"] = number(int64(most))\n", "\t\t_ = most\n"}}},
		{"settling", "what was billed is spent", []edit{{storeJobs, "w := write{key: gateKey, add: counted(entries...)}", "_ = entries\n\tw := write{key: gateKey}"}}},
		{"throttle", "who was asked to wait waits", []edit{{jobGate, "case now.Before(g.NotBefore):", "case false:"}}},
		{"slot freed", "a slot ends with its task", []edit{
			{storeJobs, "\t\tw.unset = append(w.unset, at(\"slots\", to.ID))\n", ""},
			{batch, "\t\terr = s.Slots.FreeSlot(ctx, id, g.Fence)\n", ""}}},
		{"lease given back by its holder only", "who is late frees nobody else's posting lease", []edit{
			{storeJobs, "g.Lease != nil && g.Lease.Job == to.ID && from.Intent != nil && g.Lease.Fence == from.Intent.Fence", "g.Lease != nil"}}},
		{"conditional move", "a decision on an old reading comes to nothing", []edit{
			{storeJobs, "a, b,\n\t\tequal(from.Rev, \"rev\"), equal(from.State, \"state\"), equal(from.Attempt, \"attempt\"))", "a, b)"}}},
		{"revision", "a decision on an old reading of the same state comes to nothing", []edit{
			{storeJobs, "equal(from.Rev, \"rev\"), equal(from.State, \"state\")", "equal(from.State, \"state\")"}}},
		{"due time", "what is open is looked at again by a certain time", []edit{
			{storeJobs, "return !s.Final() && s != job.Queued && s != job.Held", "return false"},
			{storeGate, "from.Posts+1, a.Intent.Until", "from.Posts+1, time.Time{}"}}},
	}
}

// creates guard the one call that costs money. The condition on a turn with detect has no
// mutant: hand-ins of a seed are so few that two never make six calls in a second; nor have
// folders' turns, which nobody judges here.
func creates() []mutant {
	return []mutant{
		{"intent before the call", "a call that may have happened is written down", []edit{
			{dispatch, "\tadmitted, err := s.Gate.Admit(", `	created, failed := s.Vendor.Create(ctx, job.CreateRequest{Model: s.Model, ImageURL: in.image, AudioURL: in.audio,
		Face: j.Face.Box, Ext: j.Face.Ext, Style: j.Style, Before: until.Add(-s.CreateWithin)})
	admitted, err := s.Gate.Admit(`},
			{dispatch, `	call, cancel := context.WithTimeout(ctx, s.CreateWithin)
	created, err := s.Vendor.Create(call, job.CreateRequest{Model: s.Model, ImageURL: in.image, AudioURL: in.audio,
		Face: j.Face.Box, Ext: j.Face.Ext, Style: j.Style, Before: until.Add(-s.CreateWithin)})
	cancel()
	if !untouched(err) {
		s.uploads.drop(j.ID)
	}
	if err != nil {
		return s.notCreated(ctx, admitted, err)`, `	if failed != nil {
		return s.notCreated(ctx, admitted, failed)`}}},
		{"lease's end before the call", "who was asleep has lost the right to post", []edit{
			{dispatch, "if time.Until(until) < s.CreateWithin {", "if false {"}, {wire, "\t\tp.seal()\n", ""}}},
		{"unclear answer", "what does not refuse clearly is unknown", []edit{{create, "\t\te.Outcome = job.Unknown\n", "\t\te.Outcome = job.NotSent\n"}}},
		{"time-out", "no answer is no refusal", []edit{{wire, "\t\toutcome := job.Unknown\n", "\t\toutcome := job.NotSent\n"}}},
		{"cut answer", "half an answer is no refusal", []edit{
			{wire, "return nil, nil, &Error{Op: q.op, Status: rep.status, RequestID", "return nil, nil, &Error{Op: q.op, Outcome: job.NotSent, Status: rep.status, RequestID"}}},
		{"unknown is not posted again", "what may have been paid for is looked for first", []edit{
			{answer, "\tcase job.Unknown, job.Retry:\n", "\tcase \"never\":\n"}}},
		{"key refused", "what would fail every job fails none", []edit{
			{answer, "\tcase job.Refused, job.Lost:\n", "\tcase job.Refused, job.Lost, \"operator\":\n"},
			{answer, "\tswitch v.Outcome {\n\tcase job.Unknown", "\tif v.Outcome == job.OperatorNeeded {\n\t\tv.Outcome = \"operator\"\n\t}\n\tswitch v.Outcome {\n\tcase job.Unknown"}}},
		{"staged copies of their own", "what was taken back does not come again", []edit{
			{jobKeys, `strconv.Itoa(post) + "-" + nonce + "/"`, `"1-x/"`}, {jobKeys, "\t\"strconv\"\n", ""}}},
		{"detect cache", "a picture is paid for once", []edit{
			{prepare, "\tif !errors.Is(err, job.ErrNotFound) {\n\t\treturn f, j.Via, err\n", "\tif err != nil && !errors.Is(err, job.ErrNotFound) {\n\t\treturn f, j.Via, err\n"}}},
	}
}
