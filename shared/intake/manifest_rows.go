package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/job"
)

const (
	// maxManifest is the largest manifest, in bytes, and maxRows the most rows: what one
	// invocation can hold and read again, whatever else it does.
	maxManifest = 10 << 20
	maxRows     = 10_000
	// maxFaults is how many wrong lines are told one by one, and toldFaults how many of
	// them in the message itself, which is a record of the table.
	maxFaults  = maxRows
	toldFaults = 5
	// maxRowName is the longest name of a row, in characters, maxFileKey the longest key of
	// a file, in bytes: S3 takes no longer one.
	maxRowName = 200
	maxFileKey = 1024
)

// row is a row of a manifest: what a hand-in of its own would be.
type row struct {
	line int
	name string
	// image and audio are keys of the inbox.
	image, audio string
	wish         wish
}

// The fields that a row has beside its options; all are required.
const nameField, imageField, audioField = "name", "image", "audio"

var rowFields = []string{nameField, imageField, audioField}

// rows reads manifests. What is wrong with a line is noted, and the lines after it are
// read: whoever puts a manifest right wants to hear of all of them.
type rows struct {
	dir    string // as it stands in keys, with its slash
	all    []row
	faults []job.RowFault
	more   int
	lines  map[string]int // of the names so far
}

// errUnread ends the reading of a manifest of which the rest cannot be understood.
var errUnread = errors.New("the rest cannot be read")

// readRows reads the manifest of that key. An error is trouble in reading; what is wrong
// with the manifest is in its faults, and then none of its rows is to be used.
func readRows(key string, body io.Reader) (*rows, error) {
	rs := &rows{dir: folderOf(key), lines: map[string]int{}}
	counted := &io.LimitedReader{R: body, N: maxManifest + 1}
	in := bufio.NewReaderSize(counted, 64<<10)
	if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(len(bom))
	}
	if head, _ := in.Peek(in.Size()); bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 {
		in = bufio.NewReaderSize(oldMac{in}, in.Size())
	}
	read := rs.readJSON
	if strings.HasSuffix(strings.ToLower(strings.TrimSpace(key)), ".csv") {
		read = rs.readCSV
	}
	err := read(in)
	if counted.N == 0 {
		rs.faults, rs.more = []job.RowFault{{Text: tooLarge}}, 0
		return rs, nil
	}
	if err != nil && !errors.Is(err, errUnread) {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	if len(rs.all) == 0 && len(rs.faults) == 0 {
		rs.fault(0, errors.New("the file has no rows"))
	}
	return rs, nil
}

// oldMac reads a file whose lines end with a carriage return alone, as Excel's CSV
// (Macintosh) does.
type oldMac struct{ from io.Reader }

func (m oldMac) Read(b []byte) (int, error) {
	n, err := m.from.Read(b)
	for i := range b[:n] {
		if b[i] == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}

var tooLarge = fmt.Sprintf("the file has more than %d bytes; split it", maxManifest)

func (rs *rows) fault(line int, err error) {
	if len(rs.faults) == maxFaults {
		rs.more++
		return
	}
	rs.faults = append(rs.faults, job.RowFault{Line: line, Text: err.Error()})
}

// add takes a row in, or notes what is wrong with it.
func (rs *rows) add(r row) error {
	if len(rs.all) == maxRows {
		rs.fault(r.line, fmt.Errorf("the file has more than %d rows; split it", maxRows))
		return errUnread
	}
	if err := rs.check(&r); err != nil {
		rs.fault(r.line, err)
		return nil
	}
	rs.lines[r.name] = r.line
	rs.all = append(rs.all, r)
	return nil
}

// check is what holds for rows of either form. The name is one as files have it: the
// results are named by it.
func (rs *rows) check(r *row) error {
	r.name = strings.TrimSpace(norm.NFC.String(r.name))
	switch n := utf8.RuneCountInString(r.name); {
	case n < 1 || n > maxRowName:
		return fmt.Errorf("%s: has to be a text of 1 to %d characters", nameField, maxRowName)
	case strings.Contains(r.name, "/"):
		return fmt.Errorf("%s: must not have a slash; the folder is the manifest's own", nameField)
	case strings.HasPrefix(r.name, "."):
		return fmt.Errorf("%s: must not begin with a dot", nameField)
	case strings.ContainsFunc(r.name, ends):
		return fmt.Errorf("%s: must not have control characters or line ends", nameField)
	}
	if first, twice := rs.lines[r.name]; twice {
		return fmt.Errorf("%s: stands on line %d already", nameField, first)
	}
	var err error
	if r.image, err = rs.key(imageField, r.image); err != nil {
		return err
	}
	r.audio, err = rs.key(audioField, r.audio)
	return err
}

// ends says whether a character has no place in a name that stands in keys, mails and
// lists: it controls something, or ends a line.
func ends(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// key is the key of the inbox that a row names: below the manifest's folder, or, when it
// begins with a slash, wherever it says.
func (rs *rows) key(field, said string) (string, error) {
	said = strings.TrimSpace(said)
	switch {
	case said == "":
		return "", fmt.Errorf("%s: is missing", field)
	case strings.Contains(said, "://"):
		return "", fmt.Errorf("%s: has to be the key of a file in the inbox, not an address", field)
	}
	if strings.Contains(said, `\`) {
		return "", fmt.Errorf(`%s: must not have a backslash (\); put a slash (/) between folders`, field)
	}
	key, rooted := strings.CutPrefix(said, "/")
	if !rooted {
		key = rs.dir + said
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return "", fmt.Errorf("%s: must not have . or .. in its path; begin it with a slash to name another folder", field)
		}
	}
	if key == "" || len(key) > maxFileKey {
		return "", fmt.Errorf("%s: has to be a key of 1 to %d bytes", field, maxFileKey)
	}
	return key, nil
}

var errNotUTF8 = errors.New("the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)")

// readJSON reads a JSON object a line.
func (rs *rows) readJSON(in *bufio.Reader) error {
	for n := 1; ; n++ {
		line, long, err := readLine(in)
		if errors.Is(err, io.EOF) && len(line) == 0 && !long {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		line = bytes.TrimSpace(line)
		switch {
		case long:
			rs.fault(n, fmt.Errorf("the line has more than %d bytes", maxSidecar))
		case !utf8.Valid(line):
			rs.fault(n, errNotUTF8)
			return errUnread // every line would say so
		case len(line) > 0:
			r, err := rowOf(line)
			r.line = n
			if err != nil {
				rs.fault(n, err)
			} else if err := rs.add(r); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

// readLine reads a line without its end. One that is too long is skipped to its end.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxSidecar+2 { // the line's end not counted
			line, long = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// rowOf reads the object of a row: its own three fields, and options as in a sidecar.
func rowOf(line []byte) (row, error) {
	doc, err := parse(line)
	if err != nil {
		// It is one line, and its number is told beside.
		return row{}, errors.New(strings.TrimPrefix(err.Error(), "line 1, "))
	}
	if doc.kind != object {
		return row{}, errors.New("the line: has to be an object")
	}
	var r row
	rest := node{kind: object}
	for _, m := range doc.members {
		var to *string
		switch m.name {
		case nameField:
			to = &r.name
		case imageField:
			to = &r.image
		case audioField:
			to = &r.audio
		default:
			rest.members = append(rest.members, m)
			continue
		}
		if m.kind != text {
			return row{}, fmt.Errorf("%s: has to be a text", m.name)
		}
		*to = m.text
	}
	for _, m := range rest.members {
		if !isOption(m.name) {
			return row{}, noSuch(below("", m.name), m.name, append(optionNames(), rowFields...))
		}
	}
	r.wish, err = wishOf(rest)
	return r, err
}
