package job

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is 2026-11-30 12:00 in Beijing: the last day of a month there.
var noon = time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)

func TestADayAndAMonthBeginAtBeijingsMidnight(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC)
	require.Equal(t, "2026-12-31", Day.Key(last))
	require.Equal(t, "2026-12", Month.Key(last))
	require.Equal(t, "2027-01-01", Day.Key(last.Add(time.Second)))
	require.Equal(t, "2027-01", Month.Key(last.Add(time.Second)))
	for _, p := range Periods() {
		require.Equal(t, last.Add(time.Second), p.End(last))
		require.NotEqual(t, p.Key(last), p.Key(p.End(last)))
	}
	midnight := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)
	require.Equal(t, midnight.AddDate(0, 0, -1), Day.End(noon.AddDate(0, 0, -1)))
	require.Equal(t, midnight, Month.End(noon.AddDate(0, 0, -1)))
}

func TestABudgetIsSetByEitherLimit(t *testing.T) {
	t.Parallel()
	require.False(t, Budget{}.Set())
	require.True(t, Budget{Daily: 1}.Set())
	require.True(t, Budget{Monthly: 1}.Set())
	require.True(t, Budget{Daily: 1, Monthly: 1}.Set())
}

func TestAFilmMayDifferByASecondOrATwentieth(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]float64{.5: 1, 20: 1, 21: 1.05, 60: 3} {
		require.InDelta(t, want, Leeway(seconds), 1e-9, seconds)
	}
}

func TestWhatIsLeftIsTheLimitLessWhatIsSpentAndReserved(t *testing.T) {
	t.Parallel()
	g := Gate{Budget: Budget{Daily: 10 * Yuan}, Spent: map[string]Money{Day.Key(noon): 3 * Yuan}, Slots: map[string]Slot{"a": {Reserved: Yuan}, "b": {Reserved: Yuan}}}
	left, limited := g.Left(Day, noon)
	require.True(t, limited)
	require.Equal(t, 5*Yuan, left)
	_, limited = g.Left(Month, noon)
	require.False(t, limited)
	g.Spent[Day.Key(noon)] = 12 * Yuan
	left, limited = g.Left(Day, noon)
	require.True(t, limited)
	require.Zero(t, left, "a film may cost more than was reserved")
}

func TestAnAmountIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Money{"1": Yuan, "99.50": 99_500_000, "0.0001": 100, "007": 7 * Yuan, "999999999.9999": 999_999_999_999_900} {
		m, err := ParseMoney(s)
		require.NoError(t, err, s)
		require.Equal(t, want, m, s)
	}
	for _, s := range []string{"", "0", "0.00", "-1", "+1", "1.", ".5", "1e3", "1,000", "¥5", " 5", "1.00001", "1234567890"} {
		_, err := ParseMoney(s)
		require.Error(t, err, s)
	}
	require.Equal(t, "99.50", Money(99_500_000).Limit())
	require.Empty(t, Money(0).Limit())
}

func TestTheMostIsWhatAFilmThatStillFitsItsRecordingCosts(t *testing.T) {
	t.Parallel()
	p := EMO()
	for _, seconds := range []float64{.5, 10, 13.93, 20, 59.99} {
		for r := range p.PricePerSecond {
			j := Job{Audio: Input{Seconds: seconds}, Quoted: p.Price(r, seconds)}
			longest := p.Price(r, seconds+Leeway(seconds))
			require.GreaterOrEqual(t, j.Most(), longest)
			require.Less(t, j.Most(), longest+Money(200), "no more than rounding beyond it")
			j.Billed = longest
			require.Zero(t, j.Most(), "what is billed is not expected any more")
		}
	}
	require.Equal(t, 2*Yuan, Job{Quoted: 2 * Yuan}.Most(), "without a length the quote has to do")
}

func TestABudgetHasRoomWaitsIsReachedOrIsTooSmall(t *testing.T) {
	t.Parallel()
	both := Budget{Daily: 10 * Yuan, Monthly: 100 * Yuan}
	for name, c := range map[string]struct {
		day, month, reserved, need Money
		budget                     Budget
		want                       Wait
		by                         Period
	}{
		"no budget":                           {1000, 1000, 1000, 1000, Budget{}, Go, ""},
		"room":                                {3, 50, 3, 4, both, Go, ""},
		"not even a millionth is left":        {10, 50, 0, 1, both, Reached, Day},
		"what is there may use it up":         {3, 50, 4, 4, both, Tight, Day},
		"spent, whatever is there":            {7, 50, 4, 4, both, Reached, Day},
		"the month is spent":                  {1, 98, 0, 4, both, Reached, Month},
		"both are spent: the longer one":      {8, 98, 0, 4, both, Reached, Month},
		"the day is spent, the month tight":   {7, 93, 4, 4, both, Reached, Day},
		"the month is spent, the day tight":   {3, 97, 4, 4, both, Reached, Month},
		"dearer than a day":                   {0, 0, 0, 11, both, Dear, Day},
		"dearer than a month":                 {0, 0, 0, 11, Budget{Monthly: 10 * Yuan}, Dear, Month},
		"a month alone":                       {9, 9, 0, 2, Budget{Monthly: 10 * Yuan}, Reached, Month},
		"exactly all":                         {6, 50, 0, 4, both, Go, ""},
		"exactly a whole day":                 {0, 0, 0, 10, both, Go, ""},
		"dear counts over what is spent":      {9, 99, 0, 11, both, Dear, Day},
		"a film that costs nothing is always": {10, 100, 0, 0, both, Go, ""},
	} {
		g := Gate{Spent: map[string]Money{Day.Key(noon): c.day * Yuan, Month.Key(noon): c.month * Yuan, "2026-11-29": 1000 * Yuan},
			Slots: map[string]Slot{"a": {Reserved: c.reserved * Yuan / 2}, "b": {Reserved: c.reserved * Yuan / 2}}}
		wait, by := g.Affords(c.budget, c.need*Yuan, noon)
		require.Equal(t, c.want, wait, name)
		require.Equal(t, c.by, by.Period, name)
		if wait != Go {
			require.Equal(t, Shortage{c.by, c.budget.Of(c.by), g.Spent[c.by.Key(noon)], c.need * Yuan, c.by.Key(noon)}, by, name)
		}
	}
}

func TestAMoveCountsWhatItMakesKnownAndWhatNobodyCanKnow(t *testing.T) {
	t.Parallel()
	quoted := Job{Quoted: Yuan, Audio: Input{Seconds: 10}, Posts: 1, Attempt: 1, ID: "j"}
	most := quoted.Most()
	at := func(s State, change ...func(*Job)) Job {
		j := quoted
		j.State = s
		for _, c := range change {
			c(&j)
		}
		return j
	}
	billed := func(j *Job) { j.Billed = Yuan }
	wasted := func(j *Job) { j.Wasted = Yuan }
	revoked := func(j *Job) { j.Intent = &Intent{Revoked: noon} }
	task := func(j *Job) { j.Task = &Task{ID: "t"} }
	fault := func(code string) func(*Job) { return func(j *Job) { j.Fault = &Fault{Code: code} } }
	yesterday := Doubt{most, noon.AddDate(0, 0, -1)}
	doubted := func(j *Job) { j.Doubt = yesterday }
	ambiguous := func(j *Job) { fault(CodeAmbiguous)(j); j.Intent = &Intent{}; j.Doubt = yesterday }
	for name, c := range map[string]struct {
		from, to   Job
		add        []Entry
		onJob, off Doubt
	}{
		"a film is billed":                       {at(Running, task), at(Storing, task, billed), []Entry{{Yuan, noon}}, Doubt{}, Doubt{}},
		"it was billed before it left":           {at(Running, task, billed), at(Storing, task, billed), nil, Doubt{}, Doubt{}},
		"a film that is lost was paid for once":  {at(Storing, task, billed), at(Expired, task, wasted), nil, Doubt{}, Doubt{}},
		"a task that failed costs nothing":       {at(Running, task), at(Failed, task), nil, Doubt{}, Doubt{}},
		"a clear refusal costs nothing":          {at(Submitting), at(Queued), nil, Doubt{}, Doubt{}},
		"a create that is given up may cost":     {at(Submitting, revoked), at(Queued), []Entry{{most, noon}}, Doubt{}, Doubt{most, noon}},
		"one that nobody can tell may cost":      {at(Submitting), at(Held, fault(CodeAmbiguous)), []Entry{{most, noon}}, Doubt{most, noon}, Doubt{}},
		"a task that the vendor lost may cost":   {at(Running, task), at(Expired, task, fault(CodeVendorLost)), []Entry{{most, noon}}, Doubt{}, Doubt{most, noon}},
		"one that outlived its id did, perhaps":  {at(Running, task), at(Expired, task, fault(CodeTaskExpired)), []Entry{{most, noon}}, Doubt{}, Doubt{}},
		"one that was billed and then lost did":  {at(Running, task, billed), at(Expired, task, wasted, fault(CodeTaskExpired)), nil, Doubt{}, Doubt{}},
		"a person's task is reserved instead":    {at(Held, ambiguous), at(Submitted, task, doubted), []Entry{{-most, yesterday.At}}, Doubt{}, Doubt{}},
		"and nothing where nothing is in doubt":  {at(Held, fault(CodeAmbiguous)), at(Submitted, task), nil, Doubt{}, Doubt{}},
		"a stray takes the doubt over":           {at(Held, ambiguous), at(Queued, doubted), nil, Doubt{}, yesterday},
		"whatever else is noted leaves it alone": {at(Held, ambiguous), at(Held, ambiguous), nil, yesterday, Doubt{}},
		"a film beside one that was in vain":     {at(Running, task, wasted), at(Storing, task, wasted, billed), []Entry{{Yuan, noon}}, Doubt{}, Doubt{}},
		"a second one in vain may cost":          {at(Running, task, wasted), at(Expired, task, wasted, fault(CodeTaskExpired)), []Entry{{most, noon}}, Doubt{}, Doubt{}},
		"what was charged and lost is no doubt":  {at(Running, task, billed), at(Expired, task, wasted, fault(CodeVendorLost)), nil, Doubt{}, Doubt{}},
		"a stray's film is billed":               {at(Expired), at(Storing, task, billed), []Entry{{Yuan, noon}}, Doubt{}, Doubt{}},
	} {
		moved, stray, entries := Settle(c.from, c.to, noon)
		require.Equal(t, c.add, entries, name)
		require.Equal(t, c.onJob, moved.Doubt, name)
		require.Equal(t, c.off, stray, name)
	}
}

func TestEntriesCountAtTheDayAndInTheMonthOfTheirTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]Money{"2026-12-01": 3, "2026-12": 3, "2026-11-30": -2, "2026-11": -2},
		Count(Entry{3, noon.AddDate(0, 0, 1)}, Entry{-2, noon}))
	require.Equal(t, map[string]Money{"2026-11-29": -2, "2026-11-30": 2}, Count(Entry{-2, noon.AddDate(0, 0, -1)}, Entry{2, noon}), "the month stays")
	require.Empty(t, Count())
}

func TestABudgetIsToldOnceForEachPeriodAndLimit(t *testing.T) {
	t.Parallel()
	s := Shortage{Day, 5 * Yuan, 4 * Yuan, 2 * Yuan, ""}
	id := BudgetMessage(s, noon).ID
	more := s
	more.Spent, more.Need = 5*Yuan, Yuan
	require.Equal(t, id, BudgetMessage(more, noon.Add(time.Hour)).ID)
	more.Limit = 6 * Yuan
	require.NotEqual(t, id, BudgetMessage(more, noon).ID)
	require.NotEqual(t, id, BudgetMessage(s, noon.AddDate(0, 0, 1)).ID)
	require.NotContains(t, BudgetMessage(s, noon).Unsent, Record, "it is about no hand-in")
}
