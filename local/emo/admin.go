package emo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// AddFault adds a rule after those there are, and returns it with its id. A rule that makes no sense is an error.
func (s *Server) AddFault(r Rule) (Rule, error) {
	if err := r.validate(); err != nil {
		return Rule{}, err
	}
	return s.faults.add(r), nil
}

// RemoveFault takes a rule away; it reports whether there was one with this id.
func (s *Server) RemoveFault(id int) bool { return id > 0 && s.faults.remove(id) }

// ClearFaults takes every rule away. Faults by name and by chance stay.
func (s *Server) ClearFaults() { s.faults.remove(0) }

// SetFaultRates replaces the chances by which calls go wrong, as in Config; nil ends them. A name that makes no sense is an
// error.
func (s *Server) SetFaultRates(rates map[string]float64) error {
	for name, rate := range rates {
		if err := validateRate(name, rate); err != nil {
			return err
		}
	}
	s.faults.setRates(rates)
	return nil
}

// Faults returns the rules and how often each struck.
func (s *Server) Faults() []RuleState { return s.faults.list() }

// Reset forgets every task, film, upload, charge and call, and takes every rule away. Work under way ends.
func (s *Server) Reset() {
	s.faults.remove(0)
	s.mu.Lock()
	gone := make([]string, 0, len(s.films)+len(s.uploads))
	for name := range s.films {
		gone = append(gone, name)
	}
	for _, u := range s.uploads {
		gone = append(gone, u.Blob)
	}
	s.clear()
	s.mu.Unlock()
	for _, name := range gone {
		s.blobs.remove(name)
	}
	s.saveOrLog()
}

// Admin serves what tests and people look at, in JSON. It has no key: serve it to yourself only.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	show := func(path string, what func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, what()) })
	}
	show("/{$}", func() any {
		return []string{
			"GET ledger", "GET history", "GET tasks", "GET pushes", "GET faults", "POST faults", "DELETE faults", "DELETE faults/{id}",
			"GET kinds", "GET problems", "POST reset",
		}
	})
	show("/ledger", func() any {
		total, charges := 0.0, orEmpty(s.Ledger())
		for _, c := range charges {
			total += c.CNY
		}
		return map[string]any{"total_cny": total, "charges": charges}
	})
	show("/history", func() any { return orEmpty(s.History()) })
	show("/pushes", func() any { return orEmpty(s.Deliveries()) })
	show("/tasks", func() any { return s.Tasks() })
	show("/faults", func() any { return s.Faults() })
	show("/kinds", func() any { return kindSet })
	show("/problems", func() any { return Problems() })
	mux.HandleFunc("POST /faults", s.postFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id, err := strconv.Atoi(r.PathValue("id")); err != nil || !s.RemoveFault(id) {
			reply(w, http.StatusNotFound, map[string]string{"error": "no such rule"})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// postFaults adds one rule or an array of rules, all or none, and answers with them and their ids.
func (s *Server) postFaults(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		if data = bytes.TrimSpace(data); !bytes.HasPrefix(data, []byte("[")) {
			data = append(append([]byte("["), data...), ']')
		}
		var rules []Rule
		if rules, err = ReadRules(bytes.NewReader(data)); err == nil {
			for i, rule := range rules {
				rules[i] = s.faults.add(rule)
			}
			reply(w, http.StatusCreated, orEmpty(rules))
			return
		}
	}
	reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that has gone is its own affair
}
