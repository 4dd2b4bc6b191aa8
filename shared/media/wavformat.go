package media

import "fmt"

// Format tags of WAVE (RFC 2361, https://www.rfc-editor.org/rfc/rfc2361, and mmreg.h).
const (
	wavPCM        = 0x0001
	wavFloat      = 0x0003
	wavALaw       = 0x0006
	wavMuLaw      = 0x0007
	wavExtensible = 0xfffe
)

// Tails of the subformat GUIDs whose first two bytes are a format tag: KSDATAFORMAT_SUBTYPE_*
// (https://learn.microsoft.com/en-us/windows-hardware/drivers/audio/converting-between-format-tags-and-subformat-guids)
// and the ambisonic ones (http://dream.cs.bath.ac.uk/researchdev/wave-ex/bformat.html).
const (
	wavGUID          = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	wavGUIDAmbisonic = "\x00\x00\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\x00\x00\x00"
)

// readFormat reads a format chunk of n bytes, without consuming all of it.
func (w *wavReader) readFormat(n int64) error {
	if n < 16 {
		return fault(Corrupt, "the WAV's format chunk is too short")
	}
	b := w.s.peek(int(min(n, 40)))
	if len(b) < 16 {
		return fault(Truncated, "the WAV ends inside its format chunk")
	}
	tag, channels, rate := le16(b), int(le16(b[2:])), le32(b[4:])
	block, depth := int(le16(b[12:])), int(le16(b[14:]))
	if tag == wavExtensible {
		if n < 40 || le16(b[16:]) < 22 {
			return fault(Corrupt, "the WAV's extended format chunk is too short")
		}
		if len(b) < 40 {
			return fault(Truncated, "the WAV ends inside its format chunk")
		}
		if tail := string(b[26:40]); tail != wavGUID && tail != wavGUIDAmbisonic {
			return fault(UnsupportedCodec, "a WAV with an unknown subformat")
		}
		tag = le16(b[24:])
	}
	var codec string
	var fits bool
	switch tag {
	case wavPCM:
		codec, fits = "pcm", depth >= 1 && depth <= 32
	case wavFloat:
		codec, fits = "float", depth == 32 || depth == 64
	case wavALaw:
		codec, fits = "alaw", depth == 8
	case wavMuLaw:
		codec, fits = "mulaw", depth == 8
	default:
		return fault(UnsupportedCodec, "a WAV with %s inside", wavCodecName(tag))
	}
	if !fits {
		return fault(UnsupportedCodec, "a WAV with %d-bit %s inside", depth, codec)
	}
	if channels == 0 || rate == 0 {
		return fault(Corrupt, "the WAV says %d channels at %d Hz", channels, rate)
	}
	padded := depth == 24 && block == 4*channels // 24 bits in 32, as some recorders write them
	if block != channels*((depth+7)/8) && !padded {
		return fault(Corrupt, "the WAV says %d bytes for %d channels of %d bits", block, channels, depth)
	}
	w.block = int64(block)
	w.audio = Audio{SampleRate: int(rate), Channels: channels, BitsPerSample: depth, Codec: codec}
	return nil
}

// wavCodecName names the compressed formats that one meets.
func wavCodecName(tag uint16) string {
	switch tag {
	case 0x0002:
		return "Microsoft ADPCM"
	case 0x0011:
		return "IMA ADPCM"
	case 0x0031:
		return "GSM 6.10"
	case 0x0040, 0x0064, 0x0065:
		return "G.721/G.726 ADPCM"
	case 0x0050:
		return "MPEG Layer I or II"
	case 0x0055:
		return "MP3"
	case 0x00ff, 0x1600, 0x1610, 0x706d:
		return "AAC"
	case 0x0160, 0x0161, 0x0162, 0x0163:
		return "Windows Media Audio"
	case 0x2000:
		return "AC-3"
	case 0xf1ac:
		return "FLAC"
	case 0x674f, 0x6750, 0x6751, 0x676f, 0x6770, 0x6771:
		return "Ogg Vorbis"
	}
	return fmt.Sprintf("format tag 0x%04x", tag)
}
