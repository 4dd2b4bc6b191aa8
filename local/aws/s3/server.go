// Package s3 is an S3 server on a folder, for one machine: the real protocol
// for the real SDKs, with signatures checked, conditional writes that are
// atomic and keys kept byte for byte.
//
// github.com/rclone/gofakes3 does the protocol. This package adds the storage,
// the signatures (package sigv4), the checks of bodies, S3's multipart ETags and
// the events. It does not version objects, keep tags apart from an upload,
// evaluate policies or serve virtual-host addresses.
//
// The one invariant: an object is visible either whole and verified or not at
// all, and it survives a restart of the process.
package s3

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/rclone/gofakes3"

	"emodrop/local/aws/sigv4"
)

// KeySet says who may sign requests.
type KeySet = sigv4.KeySet

// Config of a Server. Dir and Keys are required.
type Config struct {
	// Dir holds everything; it is created when missing. One server at a time may use it.
	Dir string
	// Keys are the credentials that are accepted, temporary ones included.
	Keys KeySet
	// Region that requests must be signed for; empty accepts every region.
	Region string
	// Account is the twelve-digit owner named in events; empty means 000000000000.
	Account string
	// Log may be nil.
	Log *slog.Logger
	// OnCreated is called after an object became visible, by the request that
	// wrote it and before that is answered: it must not block long. May be nil.
	// Calls for racing writers may come in any order; Event.Sequencer tells.
	OnCreated func(Event)
}

// Server is an S3 server. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	store   *store
	uploads *uploads
	gofakes http.Handler
}

// New opens the folder and loads its index. The error lists everything that is missing.
func New(cfg Config) (*Server, error) {
	var missing []error
	if cfg.Dir == "" {
		missing = append(missing, errors.New("s3: Dir is required"))
	}
	if cfg.Keys == nil {
		missing = append(missing, errors.New("s3: Keys is required"))
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Account == "" {
		cfg.Account = "000000000000"
	}
	st, err := openStore(cfg.Dir, cfg.Log)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, store: st, uploads: newUploads(st)}
	s.gofakes = gofakes3.New(backend{s},
		gofakes3.WithTimeSkewLimit(0), // sigv4 has checked the time
		gofakes3.WithLogger(logger{cfg.Log}),
	).Server()
	return s, nil
}

// Handler serves the S3 protocol, path style. It can be mounted under no prefix
// and behind nothing that cleans paths: keys may hold "//" and "..".
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// CreateBucket makes a bucket; one that exists is left as it is, without an error.
func (s *Server) CreateBucket(name string) error {
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return fmt.Errorf("create bucket %q: %w", name, err)
	}
	if err := s.store.createBucket(name); err != nil && !errors.Is(err, errBucketExists) {
		return err
	}
	return nil
}

// HasBucket reports whether the bucket exists.
func (s *Server) HasBucket(name string) bool { return s.store.hasBucket(name) }

// created tells the listener about a new object.
func (s *Server) created(bucketName string, obj *object, reason string) {
	if s.cfg.OnCreated == nil {
		return
	}
	s.cfg.OnCreated(Event{
		Bucket: bucketName, Key: obj.Key, ETag: string(obj.ETag), Sequencer: obj.Sequencer, Size: obj.Size,
		Time: obj.Modified, Reason: reason, Region: s.cfg.Region, Account: s.cfg.Account,
	})
}

// headers gives the metadata in gofakes3's form.
func (o *object) headers() map[string]string {
	out := make(map[string]string, len(o.Headers)+1)
	for k, v := range o.Headers {
		out[k] = v
	}
	out["Last-Modified"] = o.Modified.Format(http.TimeFormat)
	return out
}

// logger hands gofakes3's errors on. What it says at lower levels names every
// request and is left out.
type logger struct{ log *slog.Logger }

func (l logger) Print(level gofakes3.LogLevel, v ...any) {
	if level == gofakes3.LogErr {
		l.log.Error("s3", "err", fmt.Sprint(v...))
	}
}

// storedHeaders drops what the store itself knows and adds S3's default type.
func storedHeaders(meta map[string]string) map[string]string {
	out := make(map[string]string, len(meta)+1)
	for k, v := range meta {
		if k != "Last-Modified" {
			out[k] = v
		}
	}
	if out["Content-Type"] == "" {
		out["Content-Type"] = "binary/octet-stream"
	}
	return out
}

func contentTime(t time.Time) gofakes3.ContentTime { return gofakes3.NewContentTime(t) }
