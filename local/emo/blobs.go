package emo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// blobs keeps films and uploads by name, in a folder or, without one, in memory. Names are our own hex strings: no name
// from outside reaches the file system.
type blobs struct {
	dir string

	mu  sync.Mutex
	mem map[string][]byte
}

func newBlobs(dir string) (*blobs, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the emulator's folder: %w", err)
		}
	}
	return &blobs{dir: dir, mem: map[string][]byte{}}, nil
}

func (b *blobs) path(name string) string { return filepath.Join(b.dir, name) }

// put keeps what write writes and returns its size. Nothing is kept, and nobody sees a part, when write fails.
func (b *blobs) put(name string, write func(io.Writer) error) (int64, error) {
	if b.dir == "" {
		var buf bytes.Buffer
		if err := write(&buf); err != nil {
			return 0, err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.mem[name] = buf.Bytes()
		return int64(buf.Len()), nil
	}
	f, err := os.CreateTemp(b.dir, ".part-*")
	if err != nil {
		return 0, err
	}
	err = write(f)
	size, seekErr := f.Seek(0, io.SeekEnd)
	err = errors.Join(err, seekErr, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), b.path(name))
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return size, nil
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// open returns a blob; an unknown name is os.ErrNotExist.
func (b *blobs) open(name string) (io.ReadSeekCloser, error) {
	if b.dir != "" {
		return os.Open(b.path(name))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	data, found := b.mem[name]
	if !found {
		return nil, os.ErrNotExist
	}
	return nopCloser{bytes.NewReader(data)}, nil
}

// remove forgets a blob; one that is not there is no matter.
func (b *blobs) remove(name string) {
	if b.dir != "" {
		_ = os.Remove(b.path(name))
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.mem, name)
}
