package s3

import (
	"crypto/md5"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/rclone/gofakes3"
)

// minPart is the least size of every part but the last.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const minPart = 5 << 20

// uploads are the multipart uploads under way. Their parts are staged files;
// an upload does not survive a restart, and its client starts again.
type uploads struct {
	store *store

	mu   sync.Mutex
	open map[gofakes3.UploadID]*upload
}

type upload struct {
	bucket, key string
	headers     map[string]string
	parts       map[int]*staged
}

func newUploads(st *store) *uploads {
	return &uploads{store: st, open: map[gofakes3.UploadID]*upload{}}
}

func (u *uploads) begin(bucketName, key string, headers map[string]string) (gofakes3.UploadID, error) {
	id := gofakes3.UploadID(rand.Text())
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open[id] = &upload{bucket: bucketName, key: key, headers: headers, parts: map[int]*staged{}}
	return id, nil
}

// put stores one part; a part of the same number is replaced.
func (u *uploads) put(id gofakes3.UploadID, number int, length int64, body io.Reader) (string, error) {
	st, err := u.store.stage(body)
	if err != nil {
		return "", err
	}
	if st.size != length {
		st.discard()
		return "", gofakes3.ErrIncompleteBody
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.open[id]
	if up == nil {
		st.discard()
		return "", gofakes3.ErrNoSuchUpload
	}
	if old := up.parts[number]; old != nil {
		old.discard()
	}
	up.parts[number] = st
	return plainETag(st.md5).quoted(), nil
}

// drop forgets an upload and its parts.
func (u *uploads) drop(id gofakes3.UploadID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if up := u.open[id]; up != nil {
		for _, st := range up.parts {
			st.discard()
		}
		delete(u.open, id)
	}
}

// assemble joins the listed parts to one staged file. The upload stays until drop.
func (u *uploads) assemble(x *exchange, id gofakes3.UploadID, listed []gofakes3.CompletedPart) (write, error) {
	up, parts, err := u.choose(x, id, listed)
	if err != nil {
		return write{}, err
	}
	sums := md5.New()
	w := write{bucket: up.bucket, key: up.key, headers: up.headers}
	src := &concatenated{}
	defer src.Close()
	for _, st := range parts {
		sums.Write(st.md5[:])
		w.parts = append(w.parts, st.size)
		src.paths = append(src.paths, st.path)
	}
	if w.staged, err = u.store.stage(src); err != nil {
		return write{}, fmt.Errorf("join the parts of an upload: %w", err)
	}
	w.etag = multipartETag([md5.Size]byte(sums.Sum(nil)), len(parts))
	return w, nil
}

func (u *uploads) choose(x *exchange, id gofakes3.UploadID, listed []gofakes3.CompletedPart) (*upload, []*staged, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.open[id]
	if up == nil {
		return nil, nil, gofakes3.ErrNoSuchUpload
	}
	if len(listed) == 0 {
		return nil, nil, gofakes3.ErrorMessage(gofakes3.ErrMalformedXML, "You must specify at least one part")
	}
	var chosen []*staged
	for i, part := range listed {
		if i > 0 && part.PartNumber <= listed[i-1].PartNumber {
			return nil, nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidPartOrder, "The list of parts was not in ascending order.")
		}
		st := up.parts[part.PartNumber]
		if st == nil || strings.Trim(part.ETag, `"`) != string(plainETag(st.md5)) {
			return nil, nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidPart,
				"One or more of the specified parts could not be found. The part may not have been uploaded, "+
					"or the specified entity tag may not match the part's entity tag.")
		}
		if i < len(listed)-1 && st.size < minPart {
			return nil, nil, x.fail(http.StatusBadRequest, "EntityTooSmall",
				"Your proposed upload is smaller than the minimum allowed size")
		}
		chosen = append(chosen, st)
	}
	return up, chosen, nil
}
