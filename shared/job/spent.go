package job

// Spent is what jobs have cost, by their records. The zero value is nothing.
type Spent struct {
	// Films that are made, and their length together.
	Films   int
	Seconds float64
	// Billed was charged for films, Expected is the price of what is still open. Wasted
	// is what was charged besides: in vain, or by an attempt before the last, whose film
	// may have been given out. The record does not keep them apart.
	Billed, Wasted, Expected Money
	// Unclear jobs may have been charged: only the vendor's bill can tell.
	Unclear int
}

// Add counts a job.
func (s *Spent) Add(j Job) {
	s.Billed, s.Wasted = s.Billed+j.Billed, s.Wasted+j.Wasted
	switch {
	case j.State == Succeeded:
		s.Films++
		s.Seconds += j.Seconds()
	case !j.State.Final() && j.Billed == 0:
		s.Expected += j.Quoted
	}
	if j.Billed+j.Wasted == 0 && (j.State == Expired || j.Fault != nil && (j.Fault.Code == CodeGivenUp || j.Fault.Code == CodeAmbiguous)) {
		s.Unclear++
	}
}
