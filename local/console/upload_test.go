package console

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
)

// file is one field of the form; without a name it is no file.
type file struct{ field, name, content string }

// send sends the form as a browser does, names in UTF-8 as they are.
func (b *bench) send(t *testing.T, headers []string, files ...file) *httptest.ResponseRecorder {
	t.Helper()
	return b.sendTo(t, "/upload", headers, files...)
}

func (b *bench) sendTo(t *testing.T, target string, headers []string, files ...file) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range files {
		d := fmt.Sprintf(`form-data; name="%s"`, f.field)
		if f.field != "folder" {
			d += fmt.Sprintf(`; filename="%s"`, strings.ReplaceAll(f.name, `"`, "%22"))
		}
		p, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {d}})
		require.NoError(t, err)
		_, err = p.Write([]byte(f.content))
		require.NoError(t, err)
	}
	require.NoError(t, m.Close())
	return b.ask("POST", target, &body, append([]string{"Content-Type", m.FormDataContentType()}, headers...)...)
}

func TestAPairIsHandedInUnderItsNames(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	w := b.send(t, nil, file{"folder", "", ""}, file{"picture", "anna.JPG", "p"}, file{"recording", "anna.mp3", "r"})
	require.Equal(t, 303, w.Code)
	require.Equal(t, "/?handed=2", w.Header().Get("Location"), "a reload sends nothing again")
	require.Equal(t, map[string]string{"anna.JPG": "p", "anna.mp3": "r"}, b.shelf.in)
	require.Contains(t, b.get(w.Header().Get("Location")).Body.String(), "Handed in: 2 files.")
}

func TestOddNamesArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, stem := range []string{"王小明 的介绍", "a + b", "100% sure", "a&b=c", "née Ångström", "he said \"hi\"", "emoji 🙂", "semi;colon", "dots.in.name", "it's", "#1?"} {
		b := setup(t, nil)
		w := b.send(t, nil, file{"picture", stem + ".png", "p"}, file{"recording", stem + ".wav", "r"}, file{"folder", "", " 课程/week 1 + 2/ "})
		require.Equal(t, 303, w.Code, stem)
		require.Equal(t, map[string]string{"课程/week 1 + 2/" + stem + ".png": "p", "课程/week 1 + 2/" + stem + ".wav": "r"}, b.shelf.in)
	}
}

func TestEveryRecordingGetsThePictureWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, picture string
		recordings    []string
		want          []string
		renamed       bool
	}{
		{"one pair of two names", "me.jpg", []string{"hello.mp3"}, []string{"hello.jpg", "hello.mp3"}, true},
		{"several", "me.jpg", []string{"a.mp3", "b.wav"}, []string{"a.jpg", "b.jpg", "a.mp3", "b.wav"}, true},
		{"one of several pairs", "a.png", []string{"a.mp3", "b.mp3"}, []string{"a.png", "b.png", "a.mp3", "b.mp3"}, true},
		{"the folder's portrait", "Portrait.webp", []string{"a.mp3", "b.mp3"}, []string{"Portrait.webp", "a.mp3", "b.mp3"}, false},
		{"the same name in another Unicode form", "cafe\u0301.jpg", []string{"caf\u00e9.mp3"}, []string{"cafe\u0301.jpg", "caf\u00e9.mp3"}, false},
		{"the folder's portrait, and a recording called so", "portrait.jpg", []string{"portrait.mp3", "a.mp3"}, []string{"portrait.jpg", "portrait.mp3", "a.mp3"}, false},
		{"a picture alone", "me.jpg", nil, []string{"me.jpg"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			files := []file{{"picture", c.picture, "p"}}
			for _, r := range c.recordings {
				files = append(files, file{"recording", r, r})
			}
			w := b.send(t, nil, files...)
			require.Equal(t, 303, w.Code)
			require.Equal(t, c.want, b.shelf.keys)
			require.Equal(t, c.renamed, strings.Contains(w.Header().Get("Location"), "renamed=1"))
			for _, r := range c.recordings {
				require.Equal(t, r, b.shelf.in[r], "every recording is its own")
			}
			page := b.get(w.Header().Get("Location")).Body.String()
			require.Equal(t, c.renamed, strings.Contains(page, "because files pair by name"))
			require.Equal(t, len(c.recordings) == 0, strings.Contains(page, "waits for a recording"))
		})
	}
}

func TestHalfAHandInIsTakenAndSaidToWait(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	w := b.send(t, nil, file{"picture", "", ""}, file{"recording", "anna.mp3", "r"})
	require.Equal(t, 303, w.Code)
	require.Equal(t, []string{"anna.mp3"}, b.shelf.keys)
	require.Contains(t, b.get(w.Header().Get("Location")).Body.String(), "waits for a picture of the same name")
}

func TestWhatCannotBeUsedIsRefusedWholeAndInPlainWords(t *testing.T) {
	t.Parallel()
	good, voice := file{"picture", "anna.jpg", "p"}, file{"recording", "anna.mp3", "r"}
	large := strings.Repeat("x", 101)
	var many []file
	for i := range maxRecordings + 1 {
		many = append(many, file{"recording", fmt.Sprintf("%d.mp3", i), "r"})
	}
	for _, c := range []struct {
		name, says string
		files      []file
	}{
		{"nothing", "Choose a portrait and a recording first", []file{{"picture", "", ""}, {"recording", "", ""}, {"folder", "", ""}}},
		{"an empty form", "Choose a portrait and a recording first", nil},
		{"two pictures", "one portrait only", []file{good, {"picture", "b.jpg", "p"}, voice}},
		{"too many", "At most 50 recordings", append(many, good)},
		{"a text for a picture", "“notes.txt” is not a picture", []file{{"picture", "notes.txt", "p"}, voice}},
		{"a recording for a picture", "“anna.mp3” is not a picture", []file{{"picture", "anna.mp3", "p"}, voice}},
		{"a picture for a recording", "“anna.jpg” is not a recording", []file{good, {"recording", "anna.jpg", "r"}}},
		{"a film for a recording", "“anna.mp4” is not a recording", []file{good, {"recording", "anna.mp4", "r"}}},
		{"no extension", "“anna” is not a recording", []file{good, {"recording", "anna", "r"}}},
		{"an empty file", "“anna.mp3” is empty", []file{good, {"recording", "anna.mp3", ""}}},
		{"a large picture", "“anna.jpg” is larger than 100 B", []file{{"picture", "anna.jpg", large}, voice}},
		{"a large recording", "“anna.mp3” is larger than 100 B", []file{good, {"recording", "anna.mp3", large}}},
		{"two recordings of one name", "Two recordings are called “a”", []file{good, {"recording", "a.mp3", "r"}, {"recording", "a.wav", "r"}}},
		{"a recording for which the picture would become the folder's portrait", "“Portrait” is the name of a folder&#39;s shared portrait", []file{good, {"recording", "Portrait.mp3", "r"}}},
		{"the same, dropped together", "“portrait” is the name of a folder&#39;s shared portrait", []file{{"file", "week 1/anna.jpg", "p"}, {"file", "week 1/portrait.wav", "r"}}},
		{"a hidden file", "cannot be used as a file name", []file{good, {"recording", ".anna.mp3", "r"}}},
		{"a way out as a name", "cannot be used as a file name", []file{good, {"recording", "..", "r"}}},
		{"a backslash", "cannot be used as a file name", []file{good, {"recording", `..\\anna.mp3`, "r"}}},
		{"a control character", "cannot be used as a file name", []file{good, {"recording", "a\u0085.mp3", "r"}}},
		{"a control character that no form may hold", "did not arrive as expected", []file{good, {"recording", "a\x01.mp3", "r"}}},
		{"no UTF-8", "cannot be used as a file name", []file{good, {"recording", "a\xff.mp3", "r"}}},
		{"a very long name", "too long", []file{good, {"recording", strings.Repeat("é", 600) + ".mp3", "r"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *Config) { c.Profile.MaxImageBytes, c.Profile.MaxAudioBytes = 100, 100 })
			w := b.send(t, nil, c.files...)
			require.Equal(t, 422, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), "Nothing was handed in")
			require.Contains(t, w.Body.String(), c.says)
			require.Empty(t, b.shelf.in)
			requireEmptyDir(t, b.spool)
			zh := b.send(t, []string{"Accept-Language", "zh"}, c.files...)
			require.Contains(t, zh.Body.String(), "没有提交任何文件")
		})
	}
}

func TestAFolderThatLeadsOutOfTheInboxIsRefused(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"..", "../x", "a/../b", "a/..", ".", "a/./b", "a//b", `a\b`, `..\x`, "a/\x00", "a\nb", "\xff", "_batch", "a/_b", ".git", " .. ", "a/ .. /b", "/../x"} {
		b := setup(t, nil)
		w := b.send(t, nil, file{"picture", "a.jpg", "p"}, file{"recording", "a.mp3", "r"}, file{"folder", "", folder})
		require.Equal(t, 422, w.Code, "%q", folder)
		require.Empty(t, b.shelf.in, "%q", folder)
	}
	for given, want := range map[string]string{"": "", " ": "", "/": "", "a": "a", "/a/b/": "a/b", "a / b": "a/b", "..a": "", "a..b": "a..b", "课程/第1周": "课程/第1周"} {
		got, err := folderOf(given)
		require.Equal(t, want, got, "%q", given)
		require.Equal(t, given == "..a", err != nil, "%q", given)
	}
}

func TestAFileNameNeverBringsItsOwnFolders(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	w := b.send(t, nil, file{"picture", "/etc/../../up/anna.jpg", "p"}, file{"recording", "C:/x/anna.mp3", "r"}, file{"folder", "", "shop"})
	require.Equal(t, 303, w.Code)
	require.ElementsMatch(t, []string{"shop/anna.jpg", "shop/anna.mp3"}, b.shelf.keys)
}

func TestATornOrForeignUploadHandsInNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	torn := "--B\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.jpg\"\r\n\r\nhalf a pic"
	for kind, status := range map[string]int{"multipart/form-data; boundary=B": 400, "multipart/form-data": 422, "application/json": 422, "": 422} {
		w := b.ask("POST", "/upload", strings.NewReader(torn), "Content-Type", kind)
		require.Equal(t, status, w.Code, kind)
		require.Contains(t, w.Body.String(), "Nothing was handed in", kind)
	}
	require.Empty(t, b.shelf.in)
	requireEmptyDir(t, b.spool)
}

func TestAnUploadBeyondAllLimitsIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Profile.MaxImageBytes, c.Profile.MaxAudioBytes = 100, 100 })
	w := b.send(t, nil, file{"other", "x", strings.Repeat("x", formRoom+100*(maxRecordings+1)+1)})
	require.Equal(t, 413, w.Code)
	require.Contains(t, w.Body.String(), "larger than 1 MB")
}

func TestAnInboxThatFailsIsSaidWithWhatArrived(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shelf.refuse = "a.mp3"
	w := b.send(t, nil, file{"picture", "a.jpg", "p"}, file{"recording", "a.mp3", "r"})
	require.Equal(t, 502, w.Code)
	require.Contains(t, w.Body.String(), "Not everything was handed in")
	require.Contains(t, w.Body.String(), "Handed in: 1 of 2 files.")
	require.NotContains(t, w.Body.String(), "inbox is down")
	requireEmptyDir(t, b.spool)
}

func TestADiskThatCannotKeepAnUploadIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.SpoolDir += "/missing" })
	w := b.send(t, nil, file{"picture", "a.jpg", "p"})
	require.Equal(t, 507, w.Code)
	require.Contains(t, w.Body.String(), "Is its disk full?")
}

func requireEmptyDir(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "uploads are not left behind")
}

// Whatever a form is called, nothing but pictures and recordings below the inbox
// comes of it, and every recording has its picture.
func FuzzUploadedNames(f *testing.F) {
	for _, s := range [][3]string{
		{"", "anna.jpg", "anna.mp3"}, {"a/b", "me.png", "Hello You.WAV"}, {"..", "../x.jpg", `..\x.mp3`}, {"课程", "portrait.webp", "一.mp3"},
		{"_x", ".jpg", ".mp3"}, {"a/ ../", "a.jpg.", "a.mp3 "}, {"a\x00", "a\n.jpg", "%2e%2e.mp3"}, {"/", " .jpg", "a .mp3"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, folder, picture, recording string) {
		x := &form{folder: folder, picture: &part{name: picture}, recordings: []part{{name: recording}}}
		if x.check() != nil {
			return
		}
		stems := map[intake.Kind]string{}
		for _, in := range x.handIns() {
			for p := range strings.SplitSeq(in.key, "/") {
				require.NotContains(t, []string{"", ".", ".."}, p)
				require.False(t, strings.HasPrefix(p, "_") && p != recording && p != picture && !strings.HasSuffix(in.key, p), in.key)
			}
			require.NotContains(t, in.key, `\`)
			require.LessOrEqual(t, len(in.key), maxKey)
			kind, n := intake.Classify(in.key)
			require.Contains(t, []intake.Kind{intake.Picture, intake.Recording, intake.Shared}, kind, in.key)
			stems[kind] = n.Stem
		}
		require.Contains(t, stems, intake.Recording)
		if _, shared := stems[intake.Shared]; !shared {
			require.Equal(t, stems[intake.Recording], stems[intake.Picture])
		}
	})
}
