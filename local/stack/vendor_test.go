package stack_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// service is a vendor of its own address, as the real one is, with those keys of one
// account.
func service(t *testing.T, speed float64, keys ...string) (*emo.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	finder, err := stack.Faces()
	require.NoError(t, err)
	base := "http://" + ln.Addr().String()
	ids := map[string]string{}
	for i, key := range keys {
		ids[key] = strconv.Itoa(i + 1)
	}
	e, err := emo.New(emo.Config{APIKeys: ids, BaseURL: base, Speed: speed, Faces: finder, Films: stack.Films(), Dir: t.TempDir()})
	require.NoError(t, err)
	srv := &http.Server{Handler: e.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		require.NoError(t, e.Close())
	})
	return e, base + "/api/v1"
}

func TestARealServiceGetsUploadsAndItsKeyStaysInMemory(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	const key = "sk-0123456789abcdef0123456789abcdef"
	e, base := service(t, 200, key)
	real := func(c *stack.Config) { c.Vendor = &stack.Vendor{Key: key, BaseURL: base, Loopback: true} }
	home := t.TempDir()
	r := up(t, home, real)
	require.Nil(t, r.Emulator)
	r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
	require.Equal(t, job.Succeeded, r.ended(job.Name{Stem: "anna"}).State)
	isFilm(t, filepath.Join(home, "videos", "anna.mp4"), sample.SpeechDuration())
	tasks := e.Tasks()
	require.Len(t, tasks, 1)
	require.True(t, strings.HasPrefix(tasks[0].Audio, "oss://"), tasks[0].Audio)
	place, err := stack.Locate(t.Context(), home)
	require.NoError(t, err)
	require.False(t, place.Simulated)
	require.Equal(t, base, place.VendorURL)
	r.down()

	require.NoError(t, filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(key)) {
			t.Errorf("%s holds the key", path)
		}
		return err
	}))

	_, err = stack.Start(t.Context(), stack.Config{Home: home, Binaries: functions(t), Modules: modules, Timing: quick()})
	require.ErrorContains(t, err, "another video service", "the emulator would be asked for paid films")
	require.ErrorContains(t, err, "--home")
	require.NotContains(t, err.Error(), "--fresh", "that would pay once more for all that is in drop/")
	for _, fresh := range []*stack.Vendor{nil, {Key: key, BaseURL: base, Loopback: true}} {
		_, err = stack.Start(t.Context(), stack.Config{Home: home, Binaries: functions(t), Modules: modules, Timing: quick(), Fresh: true, Vendor: fresh})
		require.ErrorContains(t, err, "paid")
	}
	isFilm(t, filepath.Join(home, "videos", "anna.mp4"), sample.SpeechDuration())
	up(t, home, func(c *stack.Config) {
		c.Vendor = &stack.Vendor{Key: key, BaseURL: strings.Replace(base, "http://", "HTTP://", 1) + "/", Loopback: true}
	}).down()
	require.Len(t, e.Tasks(), 1)
}

func TestWhileFilmsAreMadeOnlyAnotherKeyOfTheSameAccountIsTaken(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	const key, other, foreign = "sk-0123456789abcdef0123456789abcdef", "sk-fedcba9876543210fedcba9876543210", "sk-00000000000000000000000000000000"
	e, base := service(t, 1, key, other)
	home := t.TempDir()
	with := func(key job.Secret) func(*stack.Config) {
		return func(c *stack.Config) { c.Vendor = &stack.Vendor{Key: key, BaseURL: base, Loopback: true} }
	}
	up(t, home, with(other)).down()
	r := up(t, home, with(key)) // nothing is under way
	r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
	within(t, slow, func() error {
		g, err := r.Jobs.Gate(t.Context())
		if err == nil && (len(g.Slots) == 0 || len(e.Tasks()) == 0) {
			err = errors.New("no task yet")
		}
		return err
	})
	r.down()
	cfg := stack.Config{Home: home, Binaries: functions(t), Modules: modules, Timing: quick()}
	with(foreign)(&cfg)
	_, err := stack.Start(t.Context(), cfg)
	require.ErrorContains(t, err, "refuses this API key")
	up(t, home, with(key)).down()
	up(t, home, with(other)).down()
}

func TestAFolderOfTheEmulatorsIsNotTakenForTheRealServices(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	up(t, home).down()
	_, err := stack.Start(t.Context(), stack.Config{Home: home, Binaries: functions(t), Modules: modules, Timing: quick(),
		Vendor: &stack.Vendor{Key: "sk-1"}})
	require.ErrorContains(t, err, "another video service (emulated)")
}
