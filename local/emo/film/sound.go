package film

import (
	"fmt"
	"math"
	"slices"
)

// sound is the sound track: packets as they go into the film, and how loud the recording is over time.
type sound struct {
	codec    codec
	rate     int // samples per second and channel
	channels int // 1 or 2
	packets  [][]byte
	// spans is the number of samples that each packet plays. All but the last are equal.
	spans []int
	// setup is the codec's own header: FLAC's STREAMINFO; none for MP3.
	setup []byte
	// levels are decibels (any reference) for pieces of levelSpan samples each.
	levels    []float64
	levelSpan int
}

type codec int

const (
	codecMP3 codec = iota
	codecFLAC
)

// readSound reads a WAV or an MP3 file, told apart by their first bytes.
func readSound(data []byte) (*sound, error) {
	var (
		s   *sound
		err error
	)
	if len(data) >= 12 && slices.Contains([]string{"RIFF", "RF64", "BW64"}, string(data[:4])) && string(data[8:12]) == "WAVE" {
		s, err = readWAV(data)
	} else {
		s, err = readMP3(data)
	}
	if err != nil {
		return nil, err
	}
	if s.ticks() > int64(MaxDuration.Seconds()*ticksPerSecond) {
		return nil, fmt.Errorf("%w: it lasts longer than %v", ErrAudio, MaxDuration)
	}
	return s, nil
}

func (s *sound) samples() int64 {
	n := int64(len(s.spans)-1) * int64(s.spans[0])
	return n + int64(s.spans[len(s.spans)-1])
}

// ticks is the length in ticks of the film.
func (s *sound) ticks() int64 {
	return max(1, (s.samples()*ticksPerSecond+int64(s.rate)/2)/int64(s.rate))
}

// loudness gives a level in decibels for each of the film's first frames: the loudest piece that the frame touches.
func (s *sound) loudness(frames int) []float64 {
	out := make([]float64, frames)
	for i := range out {
		from := i * s.rate / framesPerSecond / s.levelSpan
		to := ((i+1)*s.rate/framesPerSecond - 1) / s.levelSpan
		out[i] = silence
		for j := from; j <= to && j < len(s.levels); j++ {
			out[i] = max(out[i], s.levels[j])
		}
	}
	return out
}

// decibels turns a mean square (full scale is 1) into a level.
func decibels(meanSquare float64) float64 {
	if meanSquare <= 0 {
		return silence
	}
	return max(silence, 10*math.Log10(meanSquare))
}
