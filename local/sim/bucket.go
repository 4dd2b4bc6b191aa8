package sim

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
)

// Object is one object of a bucket. Its data is not to be changed.
type Object struct {
	Key, ETag, ContentType string
	Data                   []byte
	Meta                   map[string]string
	Modified               time.Time
}

// Bucket is a bucket in memory. Safe for concurrent use.
type Bucket struct {
	mu      sync.Mutex
	objects map[string]Object
	order   []string // the keys in their order
	puts    map[string]int
	writes  map[[2]string]int // by key and job
	left    time.Duration     // what the most worn link that was used had left; 0: none was used
}

func newBucket() *Bucket {
	return &Bucket{objects: map[string]Object{}, puts: map[string]int{}, writes: map[[2]string]int{}}
}

// Get returns an object; false when there is none.
func (b *Bucket) Get(key string) (Object, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	return o, ok
}

// Keys are the keys that begin with prefix, in their order.
func (b *Bucket) Keys(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, _ := slices.BinarySearch(b.order, prefix)
	n, _ := slices.BinarySearchFunc(b.order[from:], prefix, func(k, prefix string) int {
		if strings.HasPrefix(k, prefix) {
			return -1
		}
		return 1
	})
	return slices.Clone(b.order[from : from+n])
}

// Puts is how often something was written under a key.
func (b *Bucket) Puts(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.puts[key]
}

// Writes is how often a job's film was written under a key.
func (b *Bucket) Writes(key, job string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writes[[2]string{key, job}]
}

// Put writes an object. With ifMatch only over what has that ETag, or, for "-",
// over nothing: job.ErrConflict otherwise.
func (b *Bucket) Put(o Object, ifMatch string) (etag string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, there := b.objects[o.Key]
	switch {
	case ifMatch == "-" && there, ifMatch != "" && ifMatch != "-" && there && old.ETag != ifMatch:
		return "", job.ErrConflict
	case ifMatch != "" && ifMatch != "-" && !there:
		return "", job.ErrNotFound
	}
	sum := md5.Sum(o.Data)
	o.ETag, o.Modified = `"`+hex.EncodeToString(sum[:])+`"`, time.Now().UTC().Truncate(time.Second)
	if i, found := slices.BinarySearch(b.order, o.Key); !found {
		b.order = slices.Insert(b.order, i, o.Key)
	}
	b.objects[o.Key] = o
	b.puts[o.Key]++
	b.writes[[2]string{o.Key, o.Meta[metaJob]}]++
	return o.ETag, nil
}

// Delete removes an object; one that is not there is no matter.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
	if i, found := slices.BinarySearch(b.order, key); found {
		b.order = slices.Delete(b.order, i, i+1)
	}
}

// list gives the keys of one folder after a key, at most limit.
func (b *Bucket) list(dir, after string, limit int) []string {
	prefix := ""
	if dir != "" {
		prefix = strings.TrimSuffix(dir, "/") + "/"
	}
	keys := slices.DeleteFunc(b.Keys(prefix), func(k string) bool { return k <= after || strings.Contains(k[len(prefix):], "/") })
	return keys[:min(len(keys), limit)]
}

// page gives the objects after a key, at most limit.
func (b *Bucket) page(after string, limit int) []job.Half {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearch(b.order, after)
	if found {
		i++
	}
	var page []job.Half
	for _, k := range b.order[i:min(i+limit, len(b.order))] {
		o := b.objects[k]
		page = append(page, job.Half{Key: k, ETag: o.ETag, Size: int64(len(o.Data)), Modified: o.Modified})
	}
	return page
}

// Left is how long the most worn of the links that were used would still have worked.
func (b *Bucket) Left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}

// used notes that a link was used that works until then.
func (b *Bucket) used(until int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := time.Until(time.Unix(until, 0)); b.left == 0 || left < b.left {
		b.left = left
	}
}

// outboxHost is where links to staged copies lead.
const outboxHost = "outbox.test"

// Link makes a link to a staged copy that works until end, while the copy is there.
func Link(key string, end time.Time) job.Secret {
	until := strconv.FormatInt(end.Unix(), 10)
	u := url.URL{Scheme: "https", Host: outboxHost, Path: "/" + key,
		RawQuery: url.Values{"until": {until}, "sig": {signature(key, until)}}.Encode()}
	return job.Secret(u.String())
}

func signature(key, until string) string {
	sum := sha256.Sum256([]byte("signer|" + key + "|" + until))
	return hex.EncodeToString(sum[:16])
}

// RoundTrip serves links to staged copies, as the vendor fetches them: 403 for a
// link that ended, a wrong signature, or an object that is gone (whoever may not
// list a bucket is not told what is missing).
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (b *Bucket) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	key, q := strings.TrimPrefix(req.URL.Path, "/"), req.URL.Query()
	until, err := strconv.ParseInt(q.Get("until"), 10, 64)
	o, ok := b.Get(key)
	status := http.StatusOK
	if err != nil || req.URL.Host != outboxHost || q.Get("sig") != signature(key, q.Get("until")) || time.Now().Unix() >= until || !ok {
		status, o = http.StatusForbidden, Object{ContentType: "application/xml", Data: []byte("<Error><Code>AccessDenied</Code></Error>")}
	}
	b.used(until)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {cmp.Or(o.ContentType, "application/octet-stream")}, "Etag": {o.ETag}},
		ContentLength: int64(len(o.Data)), Body: io.NopCloser(bytes.NewReader(o.Data)), Request: req,
	}, nil
}
