package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type bucketFile struct{ Created time.Time }

// keyFile is the path, without ending, of a key's files in a bucket's folder.
func keyFile(bucketDir, key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(bucketDir, name[:2], name)
}

// openStore reads the whole index into memory and removes what a killed process left.
func openStore(dir string, log *slog.Logger) (*store, error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("clear %s: %w", tmp, err)
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, fmt.Errorf("create the object store: %w", err)
	}
	seq, err := openSequencer(dir)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, log: log, seq: seq, buckets: map[string]*bucket{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the object store: %w", err)
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "b-")
		if !ok || !e.IsDir() {
			continue
		}
		b, err := s.loadBucket(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("load bucket %s: %w", name, err)
		}
		s.buckets[name] = b
	}
	return s, nil
}

func (s *store) loadBucket(dir string) (*bucket, error) {
	b := &bucket{dir: dir, objects: map[string]*object{}}
	var file bucketFile
	text, err := os.ReadFile(filepath.Join(dir, "bucket.json"))
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		return nil, err
	}
	b.created = file.Created
	shards, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, shard := range shards {
		if shard.IsDir() {
			if err := s.loadShard(b, filepath.Join(dir, shard.Name())); err != nil {
				return nil, err
			}
		}
	}
	for key := range b.objects {
		b.keys = append(b.keys, key)
	}
	slices.Sort(b.keys)
	return b, nil
}

// loadShard takes in one folder's objects. An object whose files do not fit
// together is left out and reported, not deleted: the others still serve.
func (s *store) loadShard(b *bucket, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	inUse := map[string]bool{}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		obj, err := readObject(path)
		if err != nil {
			s.log.Warn("an object is left out: its files are damaged", "path", path, "err", err)
			keepBlobs(inUse, entries, strings.TrimSuffix(e.Name(), ".json"))
			continue
		}
		inUse[obj.Blob] = true
		b.objects[obj.Key] = obj
		if n, err := strconv.ParseUint(obj.Sequencer, 16, 64); err == nil {
			s.seq.seen(n)
		}
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".json" || inUse[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			s.log.Warn("an unused file stays", "err", err)
		}
	}
	return nil
}

func keepBlobs(inUse map[string]bool, entries []os.DirEntry, hash string) {
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), hash+".") {
			inUse[e.Name()] = true
		}
	}
}

func readObject(path string) (*object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	obj := new(object)
	if err := json.Unmarshal(text, obj); err != nil {
		return nil, err
	}
	hash := filepath.Base(keyFile("", obj.Key))
	if hash+".json" != filepath.Base(path) || !strings.HasPrefix(obj.Blob, hash+".") || filepath.Base(obj.Blob) != obj.Blob {
		return nil, fmt.Errorf("the metadata names other files than its own")
	}
	info, err := os.Stat(filepath.Join(filepath.Dir(path), obj.Blob))
	if err != nil {
		return nil, err
	}
	if info.Size() != obj.Size {
		return nil, fmt.Errorf("%d bytes are stored, %d expected", info.Size(), obj.Size)
	}
	return obj, nil
}
