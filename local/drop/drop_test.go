package drop_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/drop"
)

// folder is a drop folder that is watched.
type folder struct {
	t     *testing.T
	dir   string
	state string
	put   chan handIn
	said  chan string
	stop  func()

	mu   sync.Mutex
	fail map[string]int // how often a key's hand-in still fails
}

type handIn struct{ key, content string }

func newFolder(t *testing.T) *folder {
	t.Helper()
	home := t.TempDir()
	return &folder{t: t, dir: filepath.Join(home, "drop"), state: filepath.Join(home, "drop.json"),
		put: make(chan handIn, 100), said: make(chan string, 1000), fail: map[string]int{}}
}

// watch begins to watch; the test's end, or stop, ends it.
func (f *folder) watch() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- drop.Watch(ctx, drop.Config{Dir: f.dir, State: f.state, Quiet: 20 * time.Millisecond, Again: 20 * time.Millisecond,
			Say: func(format string, args ...any) { f.said <- fmt.Sprintf(format, args...) },
			Put: func(_ context.Context, key, path string) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				if f.fail[key] > 0 {
					f.fail[key]--
					return errors.New("permission denied")
				}
				b, err := os.ReadFile(path)
				if err == nil {
					f.put <- handIn{key, string(b)}
				}
				return err
			}})
	}()
	f.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(f.t, err)
		case <-time.After(10 * time.Second):
			require.Fail(f.t, "watching did not end")
		}
	})
	f.t.Cleanup(f.stop)
}

// write puts a file as a copy program does, making its folders.
func (f *folder) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	require.NoError(f.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(f.t, os.WriteFile(path, []byte(content), 0o600))
}

// comes waits for the next hand-in.
func (f *folder) comes() handIn {
	f.t.Helper()
	select {
	case h := <-f.put:
		return h
	case <-time.After(10 * time.Second):
		require.Fail(f.t, "nothing was handed in")
	}
	return handIn{}
}

// becomes waits until a key was handed in with that content: a slow machine may
// hand in half of a file first.
func (f *folder) becomes(key, content string) {
	f.t.Helper()
	for {
		h := f.comes()
		require.Equal(f.t, key, h.key)
		if h.content == content {
			return
		}
	}
}

// nothingElse shows that nothing else was handed in: what is written after it
// comes next.
func (f *folder) nothingElse(name string) {
	f.t.Helper()
	f.write(name, "the end")
	f.becomes(name, "the end")
}

func TestWhatIsInTheFolderAndWhatComesIntoItIsHandedIn(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write("week 1/anna.jpg", "before")
	f.watch()
	f.becomes("week 1/anna.jpg", "before")
	f.write("课程 ü + 1.mp3", "after")
	f.becomes("课程 ü + 1.mp3", "after")
	require.Contains(t, <-f.said, "week 1/anna.jpg handed in (6 bytes)")
}

func TestAFolderThatIsNotThereIsMade(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	require.Eventually(t, func() bool { _, err := os.Stat(f.dir); return err == nil }, 10*time.Second, time.Millisecond)
	f.nothingElse("first.mp3")
}

func TestFoldersThatComeLaterAreWatchedToo(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	f.nothingElse("up.mp3")
	f.write("a/b/c/deep.mp3", "deep")
	f.becomes("a/b/c/deep.mp3", "deep")
	f.write("a/b/second.mp3", "second")
	f.becomes("a/b/second.mp3", "second")

	// A whole folder moved in.
	outside := filepath.Join(t.TempDir(), "course")
	require.NoError(t, os.MkdirAll(filepath.Join(outside, "week 1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "week 1", "anna.mp3"), []byte("anna"), 0o600))
	require.NoError(t, os.Rename(outside, filepath.Join(f.dir, "course")))
	f.becomes("course/week 1/anna.mp3", "anna")
}

func TestAFolderThatIsRenamedIsWatchedUnderItsNewName(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	f.write("New Folder/in it/first.mp3", "first")
	f.becomes("New Folder/in it/first.mp3", "first")
	require.NoError(t, os.Rename(filepath.Join(f.dir, "New Folder"), filepath.Join(f.dir, "week 1")))
	f.becomes("week 1/in it/first.mp3", "first") // under another name it is another hand-in
	f.write("week 1/anna.mp3", "anna")
	f.becomes("week 1/anna.mp3", "anna")
	f.write("week 1/in it/bert.mp3", "bert")
	f.becomes("week 1/in it/bert.mp3", "bert")

	// Away and back again.
	outside := filepath.Join(t.TempDir(), "week")
	require.NoError(t, os.Rename(filepath.Join(f.dir, "week 1"), outside))
	require.NoError(t, os.Rename(outside, filepath.Join(f.dir, "week 2")))
	seen := map[string]bool{f.comes().key: true, f.comes().key: true, f.comes().key: true}
	require.Equal(t, map[string]bool{"week 2/anna.mp3": true, "week 2/in it/bert.mp3": true, "week 2/in it/first.mp3": true}, seen)
	f.write("week 2/in it/carl.mp3", "carl")
	f.becomes("week 2/in it/carl.mp3", "carl")
}

func TestALinkToAFileIsTheFileAndALinkToAFolderIsToldAndNotFollowed(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "anna.mp3"), []byte("anna"), 0o600))
	require.NoError(t, os.MkdirAll(f.dir, 0o755))
	require.NoError(t, os.Symlink(outside, filepath.Join(f.dir, "before")))
	f.watch()
	require.Contains(t, <-f.said, "before is a link to a folder")
	require.NoError(t, os.Symlink(f.dir, filepath.Join(f.dir, "itself")))
	require.Contains(t, <-f.said, "itself is a link to a folder")
	require.NoError(t, os.Symlink(filepath.Join(outside, "anna.mp3"), filepath.Join(f.dir, "linked.mp3")))
	f.becomes("linked.mp3", "anna")
	f.nothingElse("end.mp3")
}

func TestTheFolderItselfMayBeALink(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, f.dir))
	f.write("week 1/anna.mp3", "anna")
	f.watch()
	f.becomes("week 1/anna.mp3", "anna")
	f.nothingElse("week 1/bert.mp3")
}

func TestAReplacedFileIsHandedInAgain(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	f.write("anna.mp3", "one")
	f.becomes("anna.mp3", "one")
	f.write("anna.mp3", "two!")
	f.becomes("anna.mp3", "two!")
	// Moved over it, as editors and browsers do.
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, []byte("three"), 0o600))
	require.NoError(t, os.Rename(other, filepath.Join(f.dir, "anna.mp3")))
	f.becomes("anna.mp3", "three")
}

func TestARestartHandsInNothingTwiceAndWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write("anna.mp3", "anna")
	f.watch()
	f.becomes("anna.mp3", "anna")
	f.stop()

	f.write("bert.mp3", "bert")
	f.watch()
	f.becomes("bert.mp3", "bert")
	f.nothingElse("carl.mp3")
	f.stop()

	require.NoError(t, os.WriteFile(f.state, []byte("no JSON"), 0o600))
	f.watch()
	seen := map[string]bool{f.comes().key: true, f.comes().key: true, f.comes().key: true}
	require.Len(t, seen, 3, "without its memory everything counts as new")
}

func TestHiddenFilesAndFoldersStayHome(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(".DS_Store", "x")
	f.write(".git/anna.jpg", "x")
	f.watch()
	f.write("._anna.jpg", "x")
	f.write("week 1/.hidden.mp3", "x")
	f.write(".trash/deep/anna.mp3", "x")
	f.nothingElse("anna.mp3")
}

func TestAFileThatCannotBeHandedInIsTriedAgainAndKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.fail["locked.mp3"] = 3
	f.write("locked.mp3", "locked")
	f.watch()
	f.write("other.mp3", "other")
	seen := map[string]string{}
	for len(seen) < 2 {
		h := f.comes()
		seen[h.key] = h.content
	}
	require.Equal(t, map[string]string{"locked.mp3": "locked", "other.mp3": "other"}, seen)
	f.stop()
	close(f.said)
	var said []string
	for s := range f.said {
		if strings.Contains(s, "could not be handed in: permission denied") {
			said = append(said, s)
		}
	}
	require.Len(t, said, 3)
	require.Contains(t, said[0], "locked.mp3")
}

func TestAFileThatGoesAwayBeforeItIsHandedInIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.fail["gone.mp3"] = 1 << 30
	f.write("gone.mp3", "gone")
	f.watch()
	require.Contains(t, <-f.said, "gone.mp3 could not be handed in")
	require.NoError(t, os.Remove(filepath.Join(f.dir, "gone.mp3")))
	f.mu.Lock()
	f.fail["gone.mp3"] = 0
	f.mu.Unlock()
	f.nothingElse("next.mp3")
}

func TestAFolderThatWasDeletedComesBackAndIsWatched(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	f.nothingElse("first.mp3")
	require.NoError(t, os.RemoveAll(f.dir))
	require.Eventually(t, func() bool { _, err := os.Stat(f.dir); return err == nil }, 10*time.Second, time.Millisecond)
	f.nothingElse("second.mp3")
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	require.NoError(t, os.WriteFile(f.dir, nil, 0o600)) // a file stands in its place
	err := drop.Watch(t.Context(), drop.Config{Dir: f.dir, State: f.state})
	require.ErrorContains(t, err, "drop folder")
}

func TestAnEmptyFileIsHandedInAndAgainEachTimeThatItIsTouched(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.watch()
	f.write("week 1/anna.cancel", "")
	require.Equal(t, handIn{"week 1/anna.cancel", ""}, f.comes())
	path := filepath.Join(f.dir, "week 1", "anna.cancel")
	for n := range 2 {
		later := time.Now().Add(time.Duration(n+1) * time.Hour)
		require.NoError(t, os.Chtimes(path, later, later))
		require.Equal(t, handIn{"week 1/anna.cancel", ""}, f.comes())
	}
	require.NoError(t, os.Chmod(path, 0o640)) // no other times: nothing new
	f.nothingElse("end.mp3")
}
