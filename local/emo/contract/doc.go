// Package contract holds what the client of shared/dashscope relies on, said once and
// tried against the emulator, and against the real service when a key is given:
//
//	DASHSCOPE_API_KEY=sk-… make contract
//
// Against the real service it makes no task, and so pays for no film: one detect call is
// charged (CNY 0.004). What was said there is written to testdata, with keys, permits and
// ids taken out, for whoever wants to see what the documents do not tell. It has not been
// run yet: no key was at hand.
package contract
