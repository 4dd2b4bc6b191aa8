package words

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// oneLine keeps a name or a message from faking lines of its own, or from turning
// the direction of what follows.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// links are what a message from outside must not carry on: those to inputs and
// films are credentials.
var links = []*regexp.Regexp{
	regexp.MustCompile(`(?i)[a-z0-9+.-]*(://|%3a%2f%2f|:\\/\\/)[^\s"'<>]*`),
	regexp.MustCompile(`(?i)[^\s"'<>]*(\?|&|%3f|%26|\\u0026)[^\s"'<>=]+(=|%3d)[^\s"'<>]*`),
	regexp.MustCompile(`(?i)\b(x-amz-[a-z-]+|signature|ossaccesskeyid|security-token)["']?\s*(=|:|%3d)\s*\S+`),
}

// unlinked takes links out of a text from outside. Whoever took the text in has
// done so already; mail cannot be taken back, so it is done once more.
func unlinked(s string) string {
	for _, re := range links {
		s = re.ReplaceAllString(s, "(link)")
	}
	return s
}

// clipped cuts a text at a number of bytes, between characters.
func clipped(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-3], "") + "..."
}

// ascii writes a text in printable ASCII: letters lose their accents, and each run
// of what has no such form becomes one '?'. lost is whether there was such a run.
func ascii(s string) (out string, lost bool) {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
			gap = false
		case unicode.Is(unicode.Mn, r) && b.Len() > 0 && !gap:
			// The accent of the letter before.
		default:
			if !gap {
				b.WriteByte('?')
			}
			gap, lost = true, true
		}
	}
	return b.String(), lost
}

// shellSafe is what no shell changes, that of Windows included.
var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_@+:,./-]+$`)

// shellChanges is what some shell changes, or ends, between double quotes: a POSIX one,
// the history of an interactive one, cmd.exe, or PowerShell, which takes typographic
// quotation marks for its own.
const shellChanges = "\"$`\\!%\u201c\u201d\u201e"

// shellQuote makes one word of any text without line ends, for every shell where that
// can be done: cmd.exe knows no single quotes. Else for a POSIX one.
func shellQuote(s string) string {
	switch {
	case shellSafe.MatchString(s):
		return s
	case !strings.ContainsAny(s, shellChanges):
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
