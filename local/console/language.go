package console

import (
	"net/http"
	"time"

	"golang.org/x/text/language"

	"emodrop/shared/words"
)

// langCookie keeps a choice that was made by ?lang=. Cookies of a host are shared by
// its ports, hence the name.
const langCookie = "emodrop_lang"

// chooser finds the language of a request.
type chooser struct{ match language.Matcher }

func newChooser() chooser {
	// In the order of languages(); the first answers who speaks neither.
	return chooser{language.NewMatcher([]language.Tag{language.English, language.Chinese})}
}

func languages() []words.Lang { return []words.Lang{words.English, words.Chinese} }

// of returns the language of a request: as asked for in the address, as chosen
// before, as the browser is set. A choice in the address is kept.
func (c chooser) of(w http.ResponseWriter, r *http.Request) words.Lang {
	if l, ok := known(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: string(l), Path: "/", HttpOnly: true,
			SameSite: http.SameSiteStrictMode, MaxAge: int((365 * 24 * time.Hour).Seconds())})
		return l
	}
	if k, err := r.Cookie(langCookie); err == nil {
		if l, ok := known(k.Value); ok {
			return l
		}
	}
	accept := r.Header.Get("Accept-Language")
	tags, _, err := language.ParseAcceptLanguage(accept[:min(len(accept), 500)])
	if err != nil || len(tags) == 0 {
		return words.English
	}
	_, i, _ := c.match.Match(tags...)
	return languages()[i]
}

func known(s string) (words.Lang, bool) {
	for _, l := range languages() {
		if s == string(l) {
			return l, true
		}
	}
	return "", false
}

// htmlLang is the language as HTML and screen readers know it.
func htmlLang(l words.Lang) string {
	if l == words.Chinese {
		return "zh-CN"
	}
	return "en"
}

// colon stands between a heading and what it is about.
func colon(l words.Lang) string {
	if l == words.Chinese {
		return "："
	}
	return ": "
}
