package intake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
)

func TestFilesThatAreNotInTheInboxYetPairAsTheyWillThere(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name                   string
		files                  []intake.Named
		pairs                  []string // name: picture + recording
		halves, unused, strays []string
	}{
		{name: "nothing"},
		{name: "a pair in any order and letter case", files: []intake.Named{{Key: "a/anna.MP3"}, {Key: "a/anna.JPG"}},
			pairs: []string{"a/anna: a/anna.JPG + a/anna.MP3"}},
		{name: "a portrait serves its folder and no other", files: []intake.Named{{Key: "a/portrait.png"}, {Key: "a/x.mp3"}, {Key: "a/y.wav"}, {Key: "b/z.wav"}},
			pairs: []string{"a/x: a/portrait.png + a/x.mp3", "a/y: a/portrait.png + a/y.wav"}, halves: []string{"b/z.wav"}},
		{name: "a picture of its own goes before the portrait", files: []intake.Named{{Key: "portrait.png"}, {Key: "x.png"}, {Key: "x.mp3"}},
			pairs: []string{"x: x.png + x.mp3"}, unused: []string{"portrait.png"}},
		{name: "the newer of two pictures", files: []intake.Named{{Key: "x.png", Modified: at.Add(1)}, {Key: "x.webp", Modified: at}, {Key: "x.mp3"}},
			pairs: []string{"x: x.png + x.mp3"}, unused: []string{"x.webp"}},
		{name: "of the same age, the later key", files: []intake.Named{{Key: "x.webp"}, {Key: "x.png"}, {Key: "x.mp3"}},
			pairs: []string{"x: x.webp + x.mp3"}, unused: []string{"x.png"}},
		{name: "halves, strays, and what is not looked at", files: []intake.Named{{Key: "b.jpg"}, {Key: "a.wav"}, {Key: "notes.txt"}, {Key: ".x.mp3"}, {Key: "_x/a.mp3"}, {Key: "a.cancel"}, {Key: "a.RETRY"}},
			halves: []string{"a.wav", "b.jpg"}, strays: []string{"notes.txt"}},
	} {
		got := intake.Pair(c.files)
		var pairs []string
		for _, p := range got.Pairs {
			pairs = append(pairs, p.Name.String()+": "+c.files[p.Picture].Key+" + "+c.files[p.Recording].Key)
		}
		keys := func(places []int) (all []string) {
			for _, i := range places {
				all = append(all, c.files[i].Key)
			}
			return all
		}
		require.Equal(t, c.pairs, pairs, c.name)
		require.Equal(t, c.halves, keys(got.Halves), c.name)
		require.Equal(t, c.unused, keys(got.Unused), c.name)
		require.Equal(t, c.strays, keys(got.Unknown), c.name)
	}
}
