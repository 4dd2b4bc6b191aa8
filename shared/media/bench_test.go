package media

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"
	"time"
)

// BenchmarkInspect reports what examining costs on top of hashing: the time of Inspect in units of a plain SHA-256 over
// the same bytes, read in pieces of the same size, measured in turns.
func BenchmarkInspect(b *testing.B) {
	const size = 15 << 20
	var vbr []byte
	for i := 0; len(vbr) < size; i++ {
		k := speech
		k.bitrate = specIII1[4+i*7%10]
		vbr = append(vbr, k.frame(false, byte(i))...)
	}
	for name, data := range map[string][]byte{
		"mp3": vbr[:size],
		"wav": wave(wavFmt(1, 1, 44100, 16), riff("data", make([]byte, size))),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var floor, ours time.Duration
			buf := make([]byte, bufferSize)
			for b.Loop() {
				start := time.Now()
				h := sha256.New()
				_, _ = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{bytes.NewReader(data)}, buf)
				h.Sum(nil)
				mid := time.Now()
				if _, err := Inspect(bytes.NewReader(data), size+100); err != nil {
					b.Fatal(err)
				}
				floor, ours = floor+mid.Sub(start), ours+time.Since(mid)
			}
			b.ReportMetric(float64(ours)/float64(floor), "ratio")
		})
	}
}
