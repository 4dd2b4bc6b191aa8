package sim

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"time"
)

// Portrait is a picture that the emulator finds a face in; each number gives
// another one.
func Portrait(n int) []byte {
	img := image.NewGray(image.Rect(0, 0, 480, 640))
	binary.LittleEndian.PutUint32(img.Pix, uint32(n))
	var b bytes.Buffer
	// A buffer takes all.
	_ = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img)
	return b.Bytes()
}

// Recording is a WAV file of that length (8 kHz, 8 bits, mono); each number gives
// another one.
func Recording(n int, length time.Duration) []byte { return wav(n, length, 8000) }

// Clip is a Recording of a hundredth of the size: thousands of them fit into a world.
// It sounds of nothing, but is as long as it says.
func Clip(n int, length time.Duration) []byte { return wav(n, length, 80) }

// Likeness is a Portrait that shares its picture with others and yet is another file;
// it costs nothing to draw.
func Likeness(of []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(of[:len(of):len(of)], uint32(n)) // nobody reads past the end of a PNG
}

func wav(n int, length time.Duration, rate int) []byte {
	samples := int(length.Seconds() * float64(rate))
	le := binary.LittleEndian
	b := append(le.AppendUint32([]byte("RIFF"), uint32(36+samples)), "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, uint32(rate)), uint32(rate))
	b = le.AppendUint16(le.AppendUint16(b, 1), 8)
	b = le.AppendUint32(append(b, "data"...), uint32(samples))
	sound := bytes.Repeat([]byte{128}, samples)
	for i := range min(4, samples) {
		sound[i] = byte(n >> (8 * i))
	}
	return append(b, sound...)
}
