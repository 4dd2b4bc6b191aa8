package stack

import (
	"context"
	"io"
	"log/slog"

	"emodrop/local/emo"
	"emodrop/local/emo/face"
	"emodrop/local/emo/film"
)

// emulator makes the vendor.
func (s *Stack) emulator(log *slog.Logger) (*emo.Server, error) {
	finder, err := Faces()
	if err != nil {
		return nil, err
	}
	return emo.New(emo.Config{
		APIKeys: map[string]string{apiKey: "100001"}, BaseURL: s.URL() + vendorPath,
		Slots: s.cfg.Slots, Speed: s.cfg.Timing.Speed, Faces: finder, Films: Films(), Faults: s.cfg.Faults,
		// A function's URL is https; here nothing ends TLS before it.
		Push:      emo.Push{URL: s.URL() + callbackPath, As: "https://" + s.addr + callbackPath, Token: s.token, Delay: s.cfg.Timing.Push},
		StateFile: s.state("vendor.json"), Dir: s.state("vendor"), Log: log,
	})
}

// Faces is the emulator's face finder.
func Faces() (emo.FaceFinder, error) {
	f, err := face.NewFinder()
	if err != nil {
		return nil, err
	}
	return faces{f}, nil
}

// Films is the emulator's film maker.
func Films() emo.FilmMaker { return films{} }

type faces struct{ *face.Finder }

func (f faces) Find(ctx context.Context, picture []byte) (emo.Finding, error) {
	found, err := f.Finder.Find(ctx, picture)
	return emo.Finding{Width: found.Width, Height: found.Height, Faces: found.Faces, Brightness: found.Brightness}, err
}

type films struct{}

func (films) Make(ctx context.Context, w io.Writer, f emo.Film) (emo.FilmInfo, error) {
	made, err := film.Make(ctx, w, film.Request{
		Picture: f.Picture, FaceBox: f.FaceBox, ExtBox: f.ExtBox, Audio: f.Audio, Ratio: f.Ratio,
	})
	return emo.FilmInfo{Duration: made.Duration, Width: made.Width, Height: made.Height, Size: made.Size}, err
}
