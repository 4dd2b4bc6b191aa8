package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"emodrop/shared/job"
)

// maxColumns is how many columns of a table may have a title: more than all options,
// fields and entries of the metadata together.
const maxColumns = 40

// readCSV reads a table whose first line names its columns.
func (rs *rows) readCSV(in *bufio.Reader) error {
	comma, before := separator(in)
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	var columns []column
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			rs.fault(before+wrong.StartLine, errors.New("a quotation mark is out of place"))
			if columns == nil {
				return errUnread
			}
			continue
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		line += before
		for _, c := range cells {
			if !utf8.ValidString(c) || strings.ContainsRune(c, 0) {
				rs.fault(line, errNotUTF8)
				return errUnread
			}
		}
		if columns == nil {
			if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
				continue
			}
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

// separatorLine is a first line that tells Excel what stands between the columns.
var separatorLine = regexp.MustCompile(`(?i)^"?sep=([,;\t|])"?[,;\t]*\r?\n`)

// separator is what stands between the columns: as a first line says, which is taken then
// and counted in lines, else what is usual where the spreadsheet was used.
func separator(in *bufio.Reader) (comma rune, lines int) {
	head, _ := in.Peek(4096)
	if said := separatorLine.FindSubmatch(head); said != nil {
		_, _ = in.Discard(len(said[0]))
		return rune(said[1][0]), 1
	}
	head, _, _ = bytes.Cut(bytes.TrimLeft(head, " \r\n"), []byte("\n"))
	for _, c := range []rune{',', ';', '\t'} {
		if bytes.ContainsRune(head, c) {
			return c, 0
		}
	}
	return ',', 0
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
		lower := strings.ReplaceAll(strings.ToLower(title), "_", "-")
		plain := strings.TrimPrefix(lower, job.AskPrefix)
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
			// What stands before it is ASCII; its own letters may be longer in lower case.
			col.entry = title[len(lower)-len(plain)+len(entryColumn):]
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
		case col.option == "ratio":
			err = r.wish.takeText(col.option, ratioTyped(c), col.title)
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

// ratioTyped is the ratio that somebody typed into a spreadsheet: it takes 1:1 for a time
// of day, and writes 1:01 or 01:01:00.
func ratioTyped(cell string) string {
	w, h, ok := strings.Cut(strings.TrimSuffix(cell, ":00"), ":")
	if !ok {
		return cell
	}
	return strings.TrimLeft(w, "0") + ":" + strings.TrimLeft(h, "0")
}
