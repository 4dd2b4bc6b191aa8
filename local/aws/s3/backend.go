package s3

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/rclone/gofakes3"
)

// backend is the store in gofakes3's words.
type backend struct{ s *Server }

// An interface of gofakes3 that is optional there and needed here.
var _ gofakes3.MultipartBackend = backend{}

// translate gives the store's errors their S3 codes.
func translate(err error, bucketName, key string) error {
	switch {
	case errors.Is(err, ErrNoSuchBucket):
		return gofakes3.BucketNotFound(bucketName)
	case errors.Is(err, ErrNoSuchKey):
		return gofakes3.ErrorMessage(gofakes3.ErrNoSuchKey, "The specified key does not exist.")
	case errors.Is(err, errBucketExists):
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, bucketName)
	case errors.Is(err, errNotEmpty):
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, bucketName)
	}
	return err
}

func (b backend) ListBuckets(context.Context) ([]gofakes3.BucketInfo, error) {
	st := b.s.store
	st.mu.RLock()
	defer st.mu.RUnlock()
	out := make([]gofakes3.BucketInfo, 0, len(st.buckets))
	for name, bk := range st.buckets {
		out = append(out, gofakes3.BucketInfo{Name: name, CreationDate: contentTime(bk.created)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (b backend) ListBucket(_ context.Context, name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	found, err := b.s.store.list(name, prefix.Prefix, prefix.Delimiter, page.Marker, int(page.MaxKeys))
	if err != nil {
		return nil, translate(err, name, "")
	}
	out := gofakes3.NewObjectList()
	for _, obj := range found.objects {
		out.Add(&gofakes3.Content{
			Key: obj.Key, LastModified: contentTime(obj.Modified), ETag: obj.ETag.quoted(), Size: obj.Size,
			StorageClass: gofakes3.StorageStandard,
		})
	}
	for _, p := range found.prefixes {
		out.AddPrefix(p)
	}
	out.NextMarker, out.IsTruncated = found.next, found.next != ""
	return out, nil
}

func (b backend) CreateBucket(_ context.Context, name string) error {
	return translate(b.s.store.createBucket(name), name, "")
}

func (b backend) BucketExists(_ context.Context, name string) (bool, error) {
	return b.s.store.hasBucket(name), nil
}

func (b backend) DeleteBucket(_ context.Context, name string) error {
	return translate(b.s.store.deleteBucket(name), name, "")
}

// hash is the object's ETag as gofakes3 carries it; see toInner.
func (o *object) hash() []byte {
	raw, _ := hex.DecodeString(toInner(string(o.ETag))) // hex by construction
	return raw
}

func (o *object) gofakes(contents io.ReadCloser, rng *gofakes3.ObjectRange) *gofakes3.Object {
	return &gofakes3.Object{
		Name: o.Key, Metadata: o.headers(), Size: o.Size, Contents: contents, Hash: o.hash(), Range: rng, PartSizes: o.Parts,
	}
}

func (b backend) GetObject(_ context.Context, bucketName, key string, want *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	obj, f, err := b.s.store.open(bucketName, key)
	if err != nil {
		return nil, translate(err, bucketName, key)
	}
	if want != nil && want.FromEnd && want.End > obj.Size {
		want = &gofakes3.ObjectRangeRequest{FromEnd: true, End: obj.Size} // the last 100 of 10 bytes are all 10
	}
	rng, err := want.Range(obj.Size)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if rng == nil {
		return obj.gofakes(f, nil), nil
	}
	if _, err := f.Seek(rng.Start, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, err
	}
	return obj.gofakes(fileRange{io.LimitReader(f, rng.Length), f}, rng), nil
}

// fileRange is a part of a file.
type fileRange struct {
	io.Reader
	io.Closer
}

func (b backend) HeadObject(_ context.Context, bucketName, key string) (*gofakes3.Object, error) {
	obj, err := b.s.store.stat(bucketName, key)
	if err != nil {
		return nil, translate(err, bucketName, key)
	}
	return obj.gofakes(http.NoBody, nil), nil
}

func (b backend) PutObject(ctx context.Context, bucketName, key string, meta map[string]string, input io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	x := exchangeOf(ctx)
	st, err := b.s.store.stage(input)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	if size >= 0 && st.size != size {
		st.discard()
		return gofakes3.PutObjectResult{}, gofakes3.ErrIncompleteBody
	}
	headers := storedHeaders(meta)
	if x.checksumHeader != "" {
		headers[x.checksumHeader] = x.checksum
	}
	w := write{bucket: bucketName, key: key, staged: st, etag: plainETag(st.md5), headers: headers, check: x.checkWrite}
	obj, err := b.commit(w, x.reason)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	return gofakes3.PutObjectResult{ETag: obj.ETag.quoted()}, nil
}

func (b backend) commit(w write, reason string) (*object, error) {
	obj, err := b.s.store.commit(w)
	if err != nil {
		return nil, translate(err, w.bucket, w.key)
	}
	b.s.created(w.bucket, obj, reason)
	return obj, nil
}

func (b backend) CopyObject(ctx context.Context, srcBucket, srcKey, dstBucket, dstKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	var none gofakes3.CopyObjectResult
	x := exchangeOf(ctx)
	src, f, err := b.s.store.open(srcBucket, srcKey)
	if err != nil {
		return none, translate(err, srcBucket, srcKey)
	}
	defer func() { _ = f.Close() }() // read only
	// gofakes3 has looked already; what counts is the object that was opened.
	if want := x.conditions.Get("X-Amz-Copy-Source-If-Match"); want != "" && !src.ETag.matches(want) {
		return none, preconditionFailed()
	}
	st, err := b.s.store.stage(f)
	if err != nil {
		return none, err
	}
	headers := storedHeaders(meta)
	for name, value := range src.Headers {
		if strings.HasPrefix(name, checksumPrefix) {
			headers[name] = value
		}
	}
	w := write{bucket: dstBucket, key: dstKey, staged: st, etag: plainETag(st.md5), headers: headers, check: x.checkWrite}
	obj, err := b.commit(w, reasonCopy)
	if err != nil {
		return none, err
	}
	return gofakes3.CopyObjectResult{ETag: obj.ETag.quoted(), LastModified: contentTime(obj.Modified)}, nil
}

func (b backend) DeleteObject(ctx context.Context, bucketName, key string) (gofakes3.ObjectDeleteResult, error) {
	x := exchangeOf(ctx)
	check := func(current *object) error {
		if want := x.conditions.Get("If-Match"); want != "" && !current.ETag.matches(want) {
			return preconditionFailed()
		}
		return nil
	}
	return gofakes3.ObjectDeleteResult{}, translate(b.s.store.remove(bucketName, key, check), bucketName, key)
}

func (b backend) DeleteMulti(_ context.Context, bucketName string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	for _, key := range keys {
		if err := translate(b.s.store.remove(bucketName, key, nil), bucketName, key); err != nil {
			failed := gofakes3.ErrorResultFromError(err)
			failed.Key = key
			out.Error = append(out.Error, failed)
			continue
		}
		out.Deleted = append(out.Deleted, gofakes3.ObjectID{Key: key})
	}
	return out, nil
}

func (b backend) CreateMultipartUpload(_ context.Context, bucketName, key string, meta map[string]string) (gofakes3.UploadID, error) {
	if len(key) > gofakes3.KeySizeLimit {
		return "", gofakes3.ResourceError(gofakes3.ErrKeyTooLong, key)
	}
	return b.s.uploads.begin(bucketName, key, storedHeaders(meta))
}

func (b backend) UploadPart(_ context.Context, _, _ string, id gofakes3.UploadID, number int, length int64, body io.Reader) (string, error) {
	return b.s.uploads.put(id, number, length, body)
}

func (b backend) AbortMultipartUpload(_ context.Context, _, _ string, id gofakes3.UploadID) error {
	b.s.uploads.drop(id)
	return nil
}

func (b backend) CompleteMultipartUpload(ctx context.Context, bucketName, key string, id gofakes3.UploadID, in *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	x := exchangeOf(ctx)
	w, err := b.s.uploads.assemble(x, id, in.Parts)
	if err != nil {
		return "", "", err
	}
	w.check = x.checkWrite
	obj, err := b.commit(w, reasonMultipart)
	if err != nil {
		return "", "", err
	}
	b.s.uploads.drop(id)
	return "", obj.ETag.quoted(), nil
}

func multipartETag(sum [16]byte, parts int) etag {
	return etag(hex.EncodeToString(sum[:]) + "-" + strconv.Itoa(parts))
}

// concatenated reads the files one after another.
type concatenated struct {
	paths []string
	open  *os.File
}

func (c *concatenated) Read(p []byte) (int, error) {
	for {
		if c.open == nil {
			if len(c.paths) == 0 {
				return 0, io.EOF
			}
			f, err := os.Open(c.paths[0])
			if err != nil {
				return 0, err
			}
			c.open, c.paths = f, c.paths[1:]
		}
		n, err := c.open.Read(p)
		if err != io.EOF {
			return n, err
		}
		c.Close()
		if n > 0 {
			return n, nil
		}
	}
}

func (c *concatenated) Close() {
	if c.open != nil {
		_ = c.open.Close() // read only
		c.open = nil
	}
}
