package s3

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/sigv4"
)

func openTest(t *testing.T, dir string, log io.Writer) *Server {
	t.Helper()
	s, err := New(Config{Dir: dir, Keys: sigv4.Static("k", "s"), Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	require.NoError(t, s.CreateBucket("one"))
	return s
}

func TestSequencersGrowWhenTheClockIsSetBackOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	seq, err := openSequencer(dir)
	require.NoError(t, err)
	first, err := seq.next(now)
	require.NoError(t, err)
	second, err := seq.next(now)
	require.NoError(t, err)
	require.Greater(t, second, first)
	seq, err = openSequencer(dir)
	require.NoError(t, err)
	third, err := seq.next(now.Add(-24 * time.Hour))
	require.NoError(t, err)
	require.Greater(t, third, second)
	require.Greater(t, formatSequencer(third), formatSequencer(second))
}

func TestADamagedObjectIsLeftOutAndTheOthersServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, io.Discard)
	for _, key := range []string{"good", "cut", "garbled"} {
		require.NoError(t, s.Put(t.Context(), "one", key, "", nil, strings.NewReader("content")))
	}
	bucketDir := filepath.Join(dir, "b-one")
	cut, err := filepath.Glob(keyFile(bucketDir, "cut") + ".*.data")
	require.NoError(t, err)
	require.Len(t, cut, 1)
	require.NoError(t, os.Truncate(cut[0], 3))
	require.NoError(t, os.WriteFile(keyFile(bucketDir, "garbled")+".json", []byte("{"), 0o644))

	var log bytes.Buffer
	s = openTest(t, dir, &log)
	infos, err := s.List(t.Context(), "one", "", "", 0)
	require.NoError(t, err)
	require.Len(t, infos, 1)
	require.Equal(t, "good", infos[0].Key)
	require.Equal(t, 2, strings.Count(log.String(), "left out"))
	left, err := filepath.Glob(keyFile(bucketDir, "garbled") + ".*.data")
	require.NoError(t, err)
	require.Len(t, left, 1, "bytes whose metadata is damaged are not deleted")
}

func TestReplacedAndDeletedObjectsLeaveNoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, io.Discard)
	for range 3 {
		require.NoError(t, s.Put(t.Context(), "one", "k", "", nil, strings.NewReader("x")))
	}
	files := func() (n int) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && d.Name() != "bucket.json" && d.Name() != "sequencer" {
				n++
			}
			return err
		}))
		return n
	}
	require.Equal(t, 2, files(), "bytes and metadata")
	require.NoError(t, s.Delete(t.Context(), "one", "k"))
	require.Zero(t, files())

	orphan := filepath.Join(filepath.Dir(keyFile(filepath.Join(dir, "b-one"), "k")), "0000.data")
	require.NoError(t, os.WriteFile(orphan, []byte("x"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tmp", "put-1"), []byte("x"), 0o644))
	openTest(t, dir, io.Discard)
	require.Zero(t, files(), "what a killed process left is swept at the start")
}

func TestACopyChecksTheSourceThatItOpened(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir(), io.Discard)
	require.NoError(t, s.Put(t.Context(), "one", "src", "", nil, strings.NewReader("new")))
	x := &exchange{conditions: http.Header{"X-Amz-Copy-Source-If-Match": {`"5d41402abc4b2a76b9719d911017c592"`}}}
	ctx := context.WithValue(t.Context(), exchangeKey{}, x)
	// As if the source had been replaced after gofakes3 looked at it.
	_, err := backend{s}.CopyObject(ctx, "one", "src", "one", "dst", nil)
	require.True(t, gofakes3.HasErrorCode(err, gofakes3.ErrPreconditionFailed), "%v", err)
	_, _, err = s.Open(t.Context(), "one", "dst")
	require.ErrorIs(t, err, ErrNoSuchKey)
}

func TestMultipartETagsTravelThroughGofakes3(t *testing.T) {
	t.Parallel()
	const sum = "5d41402abc4b2a76b9719d911017c592"
	for _, outer := range []string{`"` + sum + `-1"`, `"` + sum + `-10000"`, `"` + sum + `"`} {
		require.Equal(t, outer, toOuter(toInner(outer)))
	}
	require.Equal(t, `"`+sum+`00000003", "other"`, toInner(`"`+sum+`-3", "other"`))
}

func FuzzAChunkedBodyIsTheBytesOrAnError(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), int64(5))
	f.Add([]byte("5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n"), int64(5))
	f.Add([]byte("ffffffffffffffff\r\n"), int64(1))
	f.Add([]byte("0\r\n\r\n"), int64(0))
	f.Add([]byte(strings.Repeat("1", 5000)), int64(9))
	f.Fuzz(func(t *testing.T, raw []byte, n int64) {
		if n < 0 || n > 1<<20 {
			return
		}
		r, err := http.NewRequest(http.MethodPut, "http://h/b/k", bytes.NewReader(raw))
		require.NoError(t, err)
		r.Header.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(n, 10))
		body, length, err := newBody(&exchange{}, r, nil, streamingUnsigned)
		if err != nil {
			return
		}
		require.Equal(t, n, length)
		got, err := io.ReadAll(body)
		if err == nil {
			require.Len(t, got, int(n))
		}
	})
}
