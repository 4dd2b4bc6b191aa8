package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
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
	// maxColumns is how many columns of a table may have a title: more than all options,
	// fields and entries of the metadata together.
	maxColumns = 40
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
	read := rs.readJSON
	if strings.HasSuffix(strings.ToLower(key), ".csv") {
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

// readCSV reads a table whose first line names its columns.
func (rs *rows) readCSV(in *bufio.Reader) error {
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator(in), -1, true
	var columns []column
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			rs.fault(wrong.StartLine, errors.New("a quotation mark is out of place"))
			if columns == nil {
				return errUnread
			}
			continue
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		for _, c := range cells {
			if !utf8.ValidString(c) || strings.ContainsRune(c, 0) {
				rs.fault(line, errNotUTF8)
				return errUnread
			}
		}
		if columns == nil {
			if columns, err = columnsOf(cells); err != nil {
				rs.fault(line, err)
				return errUnread
			}
			continue
		}
		one, empty, err := rowOfCells(columns, cells)
		one.line = line
		switch {
		case err != nil:
			rs.fault(line, err)
		case !empty:
			if err := rs.add(one); err != nil {
				return err
			}
		}
	}
}

// separator is what stands between the columns: spreadsheets write what is usual where
// they are used.
func separator(in *bufio.Reader) rune {
	head, _ := in.Peek(4096)
	head, _, _ = bytes.Cut(head, []byte("\n"))
	for _, c := range []rune{',', ';', '\t'} {
		if bytes.ContainsRune(head, c) {
			return c
		}
	}
	return ','
}

// column is what the cells of a column are: a field of the row, an option, or an entry
// of the metadata.
type column struct{ title, field, option, entry string }

const entryColumn = "metadata-"

// columnsOf reads the titles: those of an object's metadata, with or without the
// emo- before them.
func columnsOf(cells []string) ([]column, error) {
	known := append(slices.Sorted(maps.Keys(metadataNames)), rowFields...)
	titled := 0
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			titled++
		}
	}
	if titled > maxColumns {
		return nil, fmt.Errorf("the first line has more than %d columns", maxColumns)
	}
	columns := make([]column, 0, len(cells))
	for _, c := range cells {
		title := strings.TrimSpace(strings.Clone(c))
		plain := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(title), "_", "-"), job.AskPrefix)
		col := column{title: below("", title)}
		switch {
		case title == "":
			columns = append(columns, column{})
			continue
		case slices.Contains(rowFields, plain):
			col.field = plain
		case metadataNames[plain] != "":
			col.option = metadataNames[plain]
		case strings.HasPrefix(plain, entryColumn):
			col.entry = title[len(title)-len(plain)+len(entryColumn):]
		default:
			return nil, noSuch(col.title, plain, known)
		}
		for _, other := range columns {
			if other.field == col.field && other.option == col.option && other.entry == col.entry {
				return nil, fmt.Errorf("%s: stands there twice", col.title)
			}
		}
		columns = append(columns, col)
	}
	for _, f := range rowFields {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.field == f }) {
			return nil, fmt.Errorf("%s: is missing; the first line has to name the columns name, image and audio", f)
		}
	}
	return columns, nil
}

// rowOfCells reads a line of a table. An empty cell says nothing, and spreadsheets leave
// lines that are nothing but empty cells.
func rowOfCells(columns []column, cells []string) (r row, empty bool, err error) {
	empty = true
	entries := node{kind: object}
	for i, c := range cells {
		c = strings.TrimSpace(strings.Clone(c)) // the reader uses its own again
		if c == "" {
			continue
		}
		empty = false
		if i >= len(columns) || columns[i] == (column{}) {
			return row{}, false, fmt.Errorf("column %d: has no title in the first line", i+1)
		}
		switch col := columns[i]; {
		case col.field == nameField:
			r.name = c
		case col.field == imageField:
			r.image = c
		case col.field == audioField:
			r.audio = c
		case col.option != "":
			err = r.wish.takeText(col.option, c, col.title)
		default:
			entries.members = append(entries.members, member{col.entry, node{kind: text, text: c}})
		}
		if err != nil {
			return row{}, false, err
		}
	}
	if entries.members != nil {
		if err := r.wish.takeMetadata(entries, "metadata"); err != nil {
			return row{}, false, err
		}
	}
	return r, empty, r.wish.whole()
}
