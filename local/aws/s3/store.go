package s3

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors of in-process use; over HTTP they are S3's NoSuchBucket and NoSuchKey.
var (
	ErrNoSuchBucket = errors.New("no such bucket")
	ErrNoSuchKey    = errors.New("no such key")
	errBucketExists = errors.New("bucket exists")
	errNotEmpty     = errors.New("bucket is not empty")
)

// object is one stored object. A value is never changed once it is in the index.
type object struct {
	Key string
	// Blob is the name of the data file beside the metadata file.
	Blob string
	Size int64
	ETag etag
	// Parts are the sizes of the parts of a multipart upload.
	Parts []int64 `json:",omitempty"`
	// Headers are the stored HTTP headers: Content-Type, X-Amz-Meta-… and so on.
	Headers   map[string]string
	Modified  time.Time
	Sequencer string
}

type bucket struct {
	dir     string
	created time.Time
	keys    []string // sorted by bytes
	objects map[string]*object
}

// store keeps buckets in a folder. Layout, with hash = SHA-256 of the key, so
// that any key gives a safe name and no two keys share one:
//
//	<dir>/sequencer
//	<dir>/b-<bucket>/bucket.json
//	<dir>/b-<bucket>/<hh>/<hash>.json              metadata, the key among it
//	<dir>/b-<bucket>/<hh>/<hash>.<sequencer>.data  bytes, never changed
//	<dir>/tmp/                                     half-written files, emptied at start
//
// Renaming the metadata file into place is the moment at which an object exists.
// Nothing is fsynced: a killed process loses nothing, a power cut may.
type store struct {
	dir string
	log *slog.Logger

	mu      sync.RWMutex
	seq     *sequencer
	buckets map[string]*bucket
}

// staged is a complete file that is not an object yet.
type staged struct {
	path string
	size int64
	md5  [md5.Size]byte
}

func (s *staged) discard() { _ = os.Remove(s.path) } // swept at the next start if this fails

// stage writes all of src to a temporary file.
func (s *store) stage(src io.Reader) (*staged, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "put-*")
	if err != nil {
		return nil, fmt.Errorf("stage an object: %w", err)
	}
	st := &staged{path: f.Name()}
	sum := md5.New()
	st.size, err = io.Copy(io.MultiWriter(f, sum), src)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		st.discard()
		return nil, err
	}
	sum.Sum(st.md5[:0])
	return st, nil
}

// write is a staged object with everything that commit needs.
type write struct {
	bucket, key string
	staged      *staged
	etag        etag
	parts       []int64
	headers     map[string]string
	// check sees the object that is there now, nil if none; its error stops the write.
	check func(current *object) error
}

// commit makes a staged file the object, or discards it. The check and the
// change are one step: of two writers that both want the key to be absent, one wins.
func (s *store) commit(w write) (*object, error) {
	defer w.staged.discard()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[w.bucket]
	if b == nil {
		return nil, ErrNoSuchBucket
	}
	current := b.objects[w.key]
	if w.check != nil {
		if err := w.check(current); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	n, err := s.seq.next(now)
	if err != nil {
		return nil, err
	}
	seq := formatSequencer(n)
	base := keyFile(b.dir, w.key)
	obj := &object{
		Key: w.key, Blob: filepath.Base(base) + "." + seq + ".data", Size: w.staged.size, ETag: w.etag,
		Parts: w.parts, Headers: w.headers, Modified: now.UTC(), Sequencer: seq,
	}
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return nil, fmt.Errorf("make room for an object: %w", err)
	}
	blob := filepath.Join(filepath.Dir(base), obj.Blob)
	if err := os.Rename(w.staged.path, blob); err != nil {
		return nil, fmt.Errorf("store an object: %w", err)
	}
	meta, err := json.Marshal(obj)
	if err == nil {
		err = writeFile(base+".json", meta)
	}
	if err != nil {
		_ = os.Remove(blob)
		return nil, fmt.Errorf("store an object's metadata: %w", err)
	}
	b.insert(obj)
	if current != nil {
		s.dropBlob(b, current)
	}
	return obj, nil
}

// open returns the object and its bytes as they are at this moment; later
// writes do not disturb the reader.
func (s *store) open(bucketName, key string) (*object, *os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, obj, err := s.find(bucketName, key)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(b.blobPath(obj))
	if err != nil {
		return nil, nil, fmt.Errorf("open an object: %w", err)
	}
	return obj, f, nil
}

func (s *store) stat(bucketName, key string) (*object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, obj, err := s.find(bucketName, key)
	return obj, err
}

func (s *store) find(bucketName, key string) (*bucket, *object, error) {
	b := s.buckets[bucketName]
	if b == nil {
		return nil, nil, ErrNoSuchBucket
	}
	obj := b.objects[key]
	if obj == nil {
		return nil, nil, ErrNoSuchKey
	}
	return b, obj, nil
}

// remove deletes an object if there is one and check, if any, agrees.
func (s *store) remove(bucketName, key string, check func(*object) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, obj, err := s.find(bucketName, key)
	if errors.Is(err, ErrNoSuchKey) {
		return nil
	}
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(obj); err != nil {
			return err
		}
	}
	if err := os.Remove(keyFile(b.dir, key) + ".json"); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("delete an object: %w", err)
	}
	delete(b.objects, key)
	if i, ok := slices.BinarySearch(b.keys, key); ok {
		b.keys = slices.Delete(b.keys, i, i+1)
	}
	s.dropBlob(b, obj)
	return nil
}

// dropBlob deletes bytes that no object uses any more. On systems where an
// open file cannot be deleted it stays, and load sweeps it at the next start.
func (s *store) dropBlob(b *bucket, obj *object) {
	if err := os.Remove(b.blobPath(obj)); err != nil {
		s.log.Debug("a replaced object's bytes stay until the next start", "err", err)
	}
}

func (s *store) createBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return errBucketExists
	}
	b := &bucket{dir: filepath.Join(s.dir, "b-"+name), created: time.Now().UTC(), objects: map[string]*object{}}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	text, _ := json.Marshal(bucketFile{b.created}) // a time always marshals
	if err := writeFile(filepath.Join(b.dir, "bucket.json"), text); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	s.buckets[name] = b
	return nil
}

func (s *store) deleteBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return ErrNoSuchBucket
	}
	if len(b.keys) > 0 {
		return errNotEmpty
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	delete(s.buckets, name)
	return nil
}

func (s *store) hasBucket(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.buckets[name] != nil
}

func (b *bucket) insert(obj *object) {
	if i, found := slices.BinarySearch(b.keys, obj.Key); !found {
		b.keys = slices.Insert(b.keys, i, obj.Key)
	}
	b.objects[obj.Key] = obj
}

func (b *bucket) blobPath(obj *object) string {
	return filepath.Join(filepath.Dir(keyFile(b.dir, obj.Key)), obj.Blob)
}

// etag is an object's entity tag without quotes: 32 hex digits, with "-N" after
// a multipart upload of N parts.
type etag string

func plainETag(sum [md5.Size]byte) etag { return etag(hex.EncodeToString(sum[:])) }

func (e etag) quoted() string { return `"` + string(e) + `"` }

// matches reports whether an If-Match or If-None-Match value names the tag.
func (e etag) matches(list string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == string(e) {
			return true
		}
	}
	return false
}
