package store_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

var update = flag.Bool("update", false, "write the golden file of the present schema anew")

// kept are the records of a stack in a schema, by key. A stack that is brought up to
// date, or back, finds its table full of them.
type kept map[string]map[string]any

func readKept(t *testing.T, file string) kept {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var k kept
	require.NoError(t, d.Decode(&k))
	return k
}

// written are one record of every kind, and a job of every state, as this code writes
// them at a certain time.
func written(t *testing.T) kept {
	t.Helper()
	var out kept
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(0)
		ctx := t.Context()
		keys := []string{store.GateKey, store.SweepKey}
		for _, j := range oneOfEach(t, s) {
			keys = append(keys, store.JobKey(j.ID))
			if j.Task != nil {
				keys = append(keys, store.TaskKey(j.Task.ID))
			}
			if j.State.Told() {
				keys = append(keys, store.MessageKey(job.OutcomeMessage(j).ID))
			}
		}
		_, err := s.PutStem(ctx, job.Stem{Name: job.Name{Dir: "courses", Stem: "anna"}}, job.Stem{
			Image: &job.Half{Key: "courses/anna.jpg", ETag: "i", Size: 1, Modified: day},
			Audio: &job.Half{Key: "courses/anna.mp3", ETag: "a", Size: 1, Modified: day}, First: day, Last: day, Job: "1", Made: "x", Due: day})
		require.NoError(t, err)
		_, err = s.PutFolder(ctx, job.Folder{Dir: "courses"}, job.Folder{Portrait: &job.Half{Key: "courses/portrait.jpg", ETag: "p", Size: 1, Modified: day},
			Facts: &job.Input{Key: "courses/portrait.jpg", ETag: "p", Size: 1, SHA256: "p"}, After: "courses/a", Due: day})
		require.NoError(t, err)
		_, err = s.PutSweep(ctx, job.Sweep{}, job.Sweep{After: "a", Started: day, Since: day, Due: day})
		require.NoError(t, err)
		require.NoError(t, s.PutFace(ctx, "sha", job.Square, job.Face{Pass: true, Box: job.Box{1, 2, 3, 4}, Ext: job.Box{0, 0, 9, 9}}))
		require.NoError(t, s.Lease(ctx, "poll", "me", day))
		require.NoError(t, s.LearnKey(ctx, "1001"))
		stray := job.Stray{Job: givenUp(t, s, "given up").ID, Post: 1}
		_, err = s.CloseGate(ctx, job.Closure{Code: job.CodeKeyRefused, Detail: "InvalidApiKey", Since: day}, day)
		require.NoError(t, err)
		keys = append(keys, store.StemKey(job.Name{Dir: "courses", Stem: "anna"}), store.FolderKey("courses"), store.FaceKey("sha", "1:1"),
			store.LeaseKey("poll"), store.StrayKey(stray.ID()))
		out = kept{}
		for _, k := range keys {
			out[k] = raw(t, s, k)
			require.NotNil(t, out[k], k)
			delete(out[k], store.Mark) // chance
		}
	})
	return out
}

func schemaFile(version any) string {
	return filepath.Join("testdata", fmt.Sprintf("schema-%v.json", version))
}

func TestRecordsOfThePresentSchemaKeepTheirForm(t *testing.T) {
	t.Parallel()
	got := written(t)
	if *update {
		b, err := json.MarshalIndent(got, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(schemaFile(job.Schema), append(b, '\n'), 0o644))
	}
	if diff := cmp.Diff(readKept(t, schemaFile(job.Schema)), got); diff != "" {
		t.Fatalf("records are written otherwise than schema %d has it. Fields that are only added: -update. Others need a new schema, and code that still reads this one:\n%s",
			job.Schema, diff)
	}
}

// TestRecordsOfEverySchemaAreReadAndWrittenBack puts the records of each schema, with
// fields that only a later version knows, into a table, and has all of them read and
// written.
func TestRecordsOfEverySchemaAreReadAndWrittenBack(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(schemaFile("*"))
	require.NoError(t, err)
	require.Len(t, files, job.Schema, "a file for each schema there has been")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, all := store.NewMemory(0), readKept(t, file)
				for key, it := range all {
					for name, v := range it {
						if name != "pk" {
							setRaw(t, s, key, v, name)
						}
					}
					setRaw(t, s, key, map[string]any{"later": "kept"}, "of_a_later_version")
				}
				kinds := map[string]bool{}
				order := slices.Sorted(maps.Keys(all))
				slices.SortStableFunc(order, func(a, b string) int { // leases are waited for
					return cmpBool(strings.HasPrefix(a, "LEASE"), strings.HasPrefix(b, "LEASE"))
				})
				for _, key := range order {
					kind, rest, _ := strings.Cut(key, "#")
					kinds[kind] = true
					require.NoError(t, writeBack(t, s, kind, rest, all[key]), key)
					now := raw(t, s, key)
					require.Equal(t, map[string]any{"later": "kept"}, now["of_a_later_version"], key)
					for name, was := range all[key] {
						switch name {
						case "rev", "updated", "due", "ttl", "tries", "owner", "until", "speeds", "at":
							require.Contains(t, now, name, key) // what writing changes
						default:
							require.Equal(t, was, now[name], "%s of %s", name, key)
						}
					}
				}
				require.Len(t, kinds, 10, "%v", kinds)
			})
		})
	}
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// writeBack reads a record and writes it with the least change there is.
func writeBack(t *testing.T, s *store.Store, kind, rest string, was map[string]any) error {
	ctx, soon := t.Context(), time.Now().Add(time.Minute)
	switch kind {
	case "JOB":
		j, err := s.Job(ctx, rest)
		require.NoError(t, err)
		require.Equal(t, was["state"], string(j.State))
		next := j
		next.Tries++
		if !j.Due.IsZero() {
			next.Due = soon
		}
		_, err = s.Move(ctx, j, next)
		return err
	case "STEM":
		st, err := s.Stem(ctx, job.Name{Dir: "courses", Stem: "anna"})
		require.NoError(t, err)
		require.Equal(t, "courses/anna.mp3", st.Audio.Key)
		next := st
		next.Due = soon
		_, err = s.PutStem(ctx, st, next)
		return err
	case "DIR":
		f, err := s.Folder(ctx, rest)
		require.NoError(t, err)
		require.Equal(t, "courses/portrait.jpg", f.Portrait.Key)
		next := f
		next.Due = soon
		_, err = s.PutFolder(ctx, f, next)
		return err
	case "SWEEP":
		sw, err := s.Sweep(ctx)
		require.NoError(t, err)
		next := sw
		next.Due = soon
		_, err = s.PutSweep(ctx, sw, next)
		return err
	case "MSG":
		m, err := s.Message(ctx, rest)
		require.NoError(t, err)
		next := m
		next.Tries, next.Due = 1, soon
		return s.PutMessage(ctx, m, next)
	case "STRAY":
		st, err := s.Stray(ctx, rest)
		require.NoError(t, err)
		next := st
		next.Tries, next.Due = 1, soon
		return s.PutStray(ctx, st, next)
	case "GATE":
		g, err := s.Gate(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, g.Slots)
		require.Equal(t, job.CodeKeyRefused, g.Closed.Code)
		return s.LearnKey(ctx, "1001")
	case "FACE":
		f, err := s.Face(ctx, "sha", job.Square)
		require.NoError(t, err)
		return s.PutFace(ctx, "sha", job.Square, f)
	case "LEASE":
		time.Sleep(time.Until(day) + time.Minute) // past the golden lease, and not yet its record
		return s.Lease(ctx, rest, "me", time.Now().Add(time.Minute))
	case "TASK":
		owner, err := s.Owner(ctx, rest)
		require.Equal(t, was["job"], owner)
		return err
	}
	require.Fail(t, "a kind of record that no schema has", kind)
	return nil
}
