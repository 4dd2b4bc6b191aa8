package s3

import (
	"context"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

// Info is what is known about an object.
type Info struct {
	Key  string
	Size int64
	// ETag has no quotes.
	ETag        string
	ContentType string
	Modified    time.Time
	Sequencer   string
	// Metadata is the x-amz-meta- part, names in lower case without the prefix.
	Metadata map[string]string
}

func (o *object) info() Info {
	i := Info{
		Key: o.Key, Size: o.Size, ETag: string(o.ETag), ContentType: o.Headers["Content-Type"],
		Modified: o.Modified, Sequencer: o.Sequencer, Metadata: map[string]string{},
	}
	for k, v := range o.Headers {
		if name, ok := strings.CutPrefix(k, "X-Amz-Meta-"); ok {
			i.Metadata[strings.ToLower(name)] = v
		}
	}
	return i
}

// Put stores an object and sends its Event, as PutObject does. body is read to
// its end; if that fails or ctx ends first, nothing is stored.
func (s *Server) Put(ctx context.Context, bucketName, key, contentType string, meta map[string]string, body io.Reader) error {
	if key == "" || len(key) > gofakes3.KeySizeLimit {
		return fmt.Errorf("put into bucket %s: a key has 1 to %d bytes", bucketName, gofakes3.KeySizeLimit)
	}
	if !s.HasBucket(bucketName) {
		return fmt.Errorf("put into bucket %s: %w", bucketName, ErrNoSuchBucket)
	}
	st, err := s.store.stage(contextReader{ctx, body})
	if err != nil {
		return fmt.Errorf("put %q: %w", key, err)
	}
	headers := map[string]string{"Content-Type": contentType}
	for name, value := range meta {
		headers[textproto.CanonicalMIMEHeaderKey("X-Amz-Meta-"+name)] = value
	}
	w := write{bucket: bucketName, key: key, staged: st, etag: plainETag(st.md5), headers: storedHeaders(headers)}
	obj, err := s.store.commit(w)
	if err != nil {
		return fmt.Errorf("put %q: %w", key, err)
	}
	s.created(bucketName, obj, reasonPut)
	return nil
}

// Open returns an object's bytes as they are now. The error is ErrNoSuchBucket
// or ErrNoSuchKey where that is the reason. The caller closes the reader.
func (s *Server) Open(_ context.Context, bucketName, key string) (io.ReadSeekCloser, Info, error) {
	obj, f, err := s.store.open(bucketName, key)
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %q in bucket %s: %w", key, bucketName, err)
	}
	return f, obj.info(), nil
}

// List returns up to limit objects whose keys begin with prefix and sort after
// after, in byte order; a limit of 0 means all.
func (s *Server) List(_ context.Context, bucketName, prefix, after string, limit int) ([]Info, error) {
	page, err := s.store.list(bucketName, prefix, "", after, limit)
	if err != nil {
		return nil, fmt.Errorf("list bucket %s: %w", bucketName, err)
	}
	out := make([]Info, len(page.objects))
	for i, obj := range page.objects {
		out[i] = obj.info()
	}
	return out, nil
}

// Delete removes an object; one that is not there is no error.
func (s *Server) Delete(_ context.Context, bucketName, key string) error {
	if err := s.store.remove(bucketName, key, nil); err != nil {
		return fmt.Errorf("delete %q from bucket %s: %w", key, bucketName, err)
	}
	return nil
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	src io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.src.Read(p)
}
