package media

import (
	"bytes"
	"unicode/utf8"
)

// sniffLen is how many bytes decide what a file looks like.
const sniffLen = 512

// recognise names the format whose magic the file begins with. MP3 has none worth the name; its reader looks itself.
func recognise(b []byte) Format {
	switch {
	case has(b, 0, "\xff\xd8\xff"):
		return JPEG
	case has(b, 0, "\x89PNG\r\n\x1a\n"):
		return PNG
	case has(b, 0, "RIFF") && has(b, 8, "WEBP"):
		return WebP
	case (has(b, 0, "RIFF") || has(b, 0, "RIFX") || has(b, 0, "RF64") || has(b, 0, "BW64")) && has(b, 8, "WAVE"):
		return WAV
	case looksBMP(b):
		return BMP
	}
	return ""
}

// looksBMP asks for more than the two letters of the magic, which many a text begins with.
func looksBMP(b []byte) bool {
	if !has(b, 0, "BM") {
		return false
	}
	if len(b) < 18 {
		return !isText(b)
	}
	return knownBMPHeader(le32(b[14:]))
}

// looks says in one word what a file seems to be that is none of ours; "" when nothing is recognised.
func looks(b []byte) string {
	for _, m := range magics {
		if has(b, m.at, m.magic) {
			return m.word
		}
	}
	switch {
	case has(b, 4, "ftyp"):
		return looksISO(b)
	case has(b, 0, "FORM") && (has(b, 8, "AIFF") || has(b, 8, "AIFC")):
		return "aiff"
	case has(b, 0, "RIFF") && has(b, 8, "AVI "):
		return "avi"
	case len(b) >= 2 && b[0] == 0xff && b[1]&0xf6 == 0xf0: // ADTS: a sync word with layer 0
		return "aac"
	}
	return looksText(b)
}

var magics = []struct {
	at    int
	magic string
	word  string
}{
	{0, "GIF8", "gif"},
	{0, "%PDF", "pdf"},
	{0, "OggS", "ogg"},
	{0, "fLaC", "flac"},
	{0, "ADIF", "aac"},
	{0, "#!AMR", "amr"},
	{0, "caff", "caf"},
	{0, "MThd", "midi"},
	{0, "PK\x03\x04", "zip"},
	{0, "PK\x05\x06", "zip"},
	{0, "Rar!\x1a\x07", "rar"},
	{0, "7z\xbc\xaf\x27\x1c", "7z"},
	{0, "\x1f\x8b", "gzip"},
	{0, "II*\x00", "tiff"},
	{0, "MM\x00*", "tiff"},
	{0, "8BPS", "psd"},
	{0, "\x00\x00\x01\x00", "ico"},
	{0, "\xff\x0a", "jxl"},
	{0, "\x00\x00\x00\x0cJXL ", "jxl"},
	{0, "\x00\x00\x00\x0cjP  ", "jp2"},
	{0, "\x1a\x45\xdf\xa3", "webm"},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"},
	{0, "FLV\x01", "flv"},
	{0, "\x00\x05\x16\x07", "appledouble"},
	{4, "moov", "mp4"},
	{4, "mdat", "mp4"},
}

// looksISO tells the relatives of MP4 apart by the brand of their first box (ISO/IEC 14496-12; registered brands:
// https://mp4ra.org/registered-types/brands).
func looksISO(b []byte) string {
	if len(b) < 12 {
		return "mp4"
	}
	switch string(b[8:12]) {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
		return "heic"
	case "avif", "avis":
		return "avif"
	case "M4A ", "M4B ":
		return "m4a"
	case "qt  ":
		return "mov"
	}
	return "mp4"
}

func looksText(b []byte) string {
	if has(b, 0, "\xff\xfe") || has(b, 0, "\xfe\xff") { // UTF-16, by its byte order mark
		return "text"
	}
	if !isText(b) {
		return ""
	}
	t := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n\f"))
	switch {
	case has(t, 0, "<!doctype html"), has(t, 0, "<html"), has(t, 0, "<head"), has(t, 0, "<body"):
		return "html"
	case has(t, 0, "<svg"):
		return "svg"
	case has(t, 0, "<?xml") && bytes.Contains(t, []byte("<svg")):
		return "svg"
	case has(t, 0, "<?xml"):
		return "xml"
	case has(t, 0, "{"), has(t, 0, "["):
		return "json"
	}
	return "text"
}

// isText reports whether b is UTF-8 without control characters; its last character may be cut.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(b)
		}
		if r < ' ' && r != '\t' && r != '\r' && r != '\n' && r != '\f' {
			return false
		}
		b = b[n:]
	}
	return true
}

// has reports whether b holds the string at an offset.
func has(b []byte, at int, s string) bool {
	return len(b) >= at+len(s) && string(b[at:at+len(s)]) == s
}
