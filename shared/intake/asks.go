package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"slices"
	"strings"

	"emodrop/shared/job"
)

// ask is all that a hand-in asks for: its sidecar before the metadata of its recording,
// and that before the metadata of its picture.
type ask struct {
	options job.Options
	labels  job.Labels
	// fault says why none of it can be used. The options then only stand for that.
	fault *job.Fault
	// boxes is the key of the file that gives the boxes; empty without any.
	boxes string
}

// misfit is why a film of that picture cannot be made as is asked for; nil when it can.
func (a ask) misfit(picture job.Input) *job.Fault {
	why := a.options.Misfit(picture.Width, picture.Height)
	if why == "" {
		return nil
	}
	return &job.Fault{Code: job.CodeOptionsRefused, File: a.boxes, Detail: why}
}

// add takes in what a file asks for that counts less than all before it.
func (a *ask) add(all wish, less wish, file string) wish {
	if all.ext == (job.Box{}) && less.ext != (job.Box{}) {
		a.boxes = file
	}
	return all.or(less)
}

// of says whether a job is made as is asked for here.
func (a ask) of(j job.Job) bool { return a.options == j.Options && a.labels.ID() == j.Labels }

// asks reads what a hand-in asks for. again asks for another look: a file is not any
// more what was noted.
func (h *Handler) asks(ctx context.Context, st job.Stem, p picture) (a ask, again bool, err error) {
	var all wish
	refused := sha256.New() // of everything that was read, in its order
	refuse := func(file string, err error) {
		if err != nil && a.fault == nil {
			a.fault = &job.Fault{Code: job.CodeOptionsRefused, File: file, Detail: err.Error()}
		}
	}
	if st.Sidecar != nil {
		doc, err := h.sidecar(ctx, *st.Sidecar)
		if changed(err) {
			_, err := h.note(ctx, st.Name, st.Sidecar.Key)
			return ask{}, true, err
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return ask{}, false, err
		}
		if err == nil {
			_, _ = fmt.Fprintf(refused, "sidecar %d %s", len(doc), doc)
			var w wish
			w, err = read(doc)
			all = a.add(all, w, st.Sidecar.Key)
		} else {
			_, _ = fmt.Fprintf(refused, "sidecar %s", st.Sidecar.ETag)
		}
		refuse(st.Sidecar.Key, err)
	}
	for _, half := range []*job.Half{st.Audio, p.half} {
		if half.Mark == "" {
			continue
		}
		now, err := h.Inbox.Head(ctx, half.Key)
		if changed(err) || err == nil && (now.ETag != half.ETag || now.Mark != half.Mark) {
			return ask{}, true, h.lookAgain(ctx, st, p, half.Key)
		}
		if err != nil {
			return ask{}, false, err
		}
		_, _ = fmt.Fprintf(refused, "metadata %s", now.Mark)
		w, err := wishOfMetadata(now.Asks)
		refuse(half.Key, err)
		all = a.add(all, w, half.Key)
	}
	if a.fault == nil {
		refuse(fileOf(st), all.whole())
	}
	if a.fault != nil {
		a.options = job.Options{Refused: hex.EncodeToString(refused.Sum(nil)[:8])}
		return a, false, nil
	}
	a.options, a.labels = all.options(), job.Labels{Metadata: all.metadata, Tags: all.tags}
	return a, false, nil
}

// read reads a document of options.
func read(doc []byte) (wish, error) {
	n, err := parse(doc)
	if err != nil {
		return wish{}, err
	}
	return wishOf(n)
}

// InspectOptions reads a sidecar of that key wherever it is, and judges it as the inbox
// does, and as is done before a film of that picture is paid for: whoever hands one in
// can know beforehand. Nothing of one that has a fault is used; an error is trouble in
// reading. One that is too large is not read on.
func InspectOptions(key string, picture job.Input, open func() (io.ReadCloser, error)) (job.Options, *job.Fault, error) {
	body, err := open()
	if err != nil {
		return job.Options{}, nil, err
	}
	defer body.Close()
	doc, err := io.ReadAll(io.LimitReader(body, 2*maxSidecar))
	if err != nil {
		return job.Options{}, nil, fmt.Errorf("read a sidecar: %w", err)
	}
	refused := func(why string) (job.Options, *job.Fault, error) {
		return job.Options{}, &job.Fault{Code: job.CodeOptionsRefused, File: key, Detail: why}, nil
	}
	w, err := read(doc)
	if err != nil {
		return refused(err.Error())
	}
	a := ask{options: w.options(), boxes: key}
	if f := a.misfit(picture); f != nil {
		return job.Options{}, f, nil
	}
	return a.options, nil, nil
}

// fileOf is the file whose options count most.
func fileOf(st job.Stem) string {
	if st.Sidecar != nil {
		return st.Sidecar.Key
	}
	return st.Audio.Key
}

// sidecar reads a document of options as it was noted; errTooLong when it is larger
// than any that is read.
func (h *Handler) sidecar(ctx context.Context, half job.Half) ([]byte, error) {
	if half.Size > maxSidecar {
		return nil, errTooLong
	}
	body, err := h.Inbox.Open(ctx, half.Key, half.ETag)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	doc, err := io.ReadAll(io.LimitReader(body, maxSidecar+1))
	if err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	return doc, nil
}

// The names of options in an object's metadata, without what S3 and we put before them.
// S3 takes capital letters for small ones, so they have none.
var metadataNames = map[string]string{
	"style-level": "style_level", "ratio": "ratio", "face-bbox": "face_bbox", "ext-bbox": "ext_bbox",
	"priority": "priority", "dry-run": "dryRun", "tags": "tags",
}

const (
	headerPrefix = "x-amz-meta-"
	entryPrefix  = job.AskPrefix + "metadata-"
)

// wishOfMetadata reads the options in an object's metadata: boxes and tags are lists
// with commas, each entry of the metadata has a name of its own.
func wishOfMetadata(said string) (wish, error) {
	var w wish
	asks := map[string]string{}
	if err := json.Unmarshal([]byte(said), &asks); err != nil {
		return wish{}, fmt.Errorf("metadata of an object: %w", err)
	}
	var decode mime.WordDecoder
	entries := node{kind: object}
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		// What is not ASCII comes as RFC 2047 has it.
		// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
		value, err := decode.DecodeHeader(asks[name])
		if err != nil {
			value = asks[name]
		}
		value = strings.TrimSpace(strings.ToValidUTF8(value, "\uFFFD"))
		path := below("", headerPrefix+name)
		if entry, ok := strings.CutPrefix(name, entryPrefix); ok {
			entries.members = append(entries.members, member{entry, node{kind: text, text: value}})
			continue
		}
		option, known := metadataNames[strings.TrimPrefix(name, job.AskPrefix)]
		if !known {
			return wish{}, noSuch(path, strings.TrimPrefix(name, job.AskPrefix), slices.Sorted(maps.Keys(metadataNames)))
		}
		if err := w.takeText(option, value, path); err != nil {
			return wish{}, err
		}
	}
	if entries.members != nil {
		if err := w.takeMetadata(entries, headerPrefix+strings.TrimSuffix(entryPrefix, "-")); err != nil {
			return wish{}, err
		}
	}
	return w, w.whole()
}

// takeText reads an option that is written as a text.
func (w *wish) takeText(option, value, path string) error {
	n := node{kind: text, text: value}
	switch option {
	case "face_bbox", "ext_bbox":
		n = node{kind: list, items: split(value, number)}
	case "tags":
		n = node{kind: list, items: split(value, text)}
	case "dryRun":
		// Spreadsheets write TRUE for true.
		if is := strings.ToLower(value); is == "true" || is == "false" {
			n = node{kind: boolean, text: is}
		}
	}
	for _, o := range options {
		if o.name == option {
			return o.take(w, n, path)
		}
	}
	return nil
}

// split takes a list apart at its commas.
func split(value string, kind kindOf) (items []node) {
	if value == "" {
		return nil
	}
	for part := range strings.SplitSeq(value, ",") {
		items = append(items, node{kind: kind, text: strings.TrimSpace(part)})
	}
	return items
}
