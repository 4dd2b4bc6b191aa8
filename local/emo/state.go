package emo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// state is the state file. It holds inputs' links and the signing secret, hence its mode 0600.
type state struct {
	Version  int                `json:"version"`
	Secret   []byte             `json:"secret"`
	Tasks    []*task            `json:"tasks"`
	Films    map[string]*film   `json:"films"`
	Uploads  map[string]*upload `json:"uploads"`
	Policies map[string]*policy `json:"policies"`
	Ledger   []Charge           `json:"ledger"`
}

const stateVersion = 1

// load takes the state file's content on; without one, nothing happens. Tasks that ran are the first to run again: those
// whose film was made wait out their time, the others fetch their inputs anew.
func (s *Server) load() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	data, err := os.ReadFile(s.cfg.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the emulator's state: %w", err)
	}
	var st state
	if err := json.Unmarshal(data, &st); err != nil {
		return fmt.Errorf("read the emulator's state: %w", err)
	}
	if st.Version != stateVersion || len(st.Secret) == 0 || st.Films == nil || st.Uploads == nil || st.Policies == nil {
		return fmt.Errorf("read the emulator's state: %s is not of version %d", filepath.Base(s.cfg.StateFile), stateVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret, s.order, s.ledger = st.Secret, st.Tasks, st.Ledger
	s.films, s.uploads, s.policies = st.Films, st.Uploads, st.Policies
	var waiting []*task
	for _, t := range s.order {
		s.tasks[t.ID] = t
		switch t.Status {
		case statusRunning:
			if f, err := s.blobs.open(t.Film); t.Film == "" || err != nil {
				t.Film = ""
			} else {
				_ = f.Close()
			}
			s.queue = append(s.queue, t)
		case statusPending:
			waiting = append(waiting, t)
		}
	}
	s.queue = append(s.queue, waiting...)
	for _, t := range slices.Clone(s.queue) {
		s.arm(t)
	}
	s.dispatch()
	return nil
}

// save writes the state file whole or not at all.
func (s *Server) save() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	data, err := json.Marshal(state{stateVersion, s.secret, s.order, s.films, s.uploads, s.policies, s.ledger})
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("write the emulator's state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(s.cfg.StateFile), ".emo-state-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the emulator's state: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.cfg.StateFile)
	}
	if err != nil {
		return fmt.Errorf("write the emulator's state: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// saveOrLog is save for those who can do nothing about a full disk but say so.
func (s *Server) saveOrLog() {
	if err := s.save(); err != nil {
		s.log.Error("save state", "err", err)
	}
}
