// Package sample carries a portrait and recordings that anyone may use, so that a film can be tried out, and shown,
// without a photograph of a real person.
//
// It is for the demonstration and for tests; nothing in the pipeline depends on it.
//
// Invariant: what it returns is accepted as it is: the portrait for both ratios, the recordings in length and size.
package sample

import (
	"bytes"
	_ "embed"
	"time"
)

//go:embed portrait.jpg
var portrait []byte

//go:embed speech.wav
var speech []byte

//go:embed speech-zh.mp3
var speechChinese []byte

// Portrait returns a JPEG of 900 x 1200 pixels with one drawn face. The bytes are the caller's own.
func Portrait() []byte { return bytes.Clone(portrait) }

// Speech returns a WAV recording (mono, 16 bits, 16 kHz) of two English sentences. The bytes are the caller's own.
func Speech() []byte { return bytes.Clone(speech) }

// SpeechDuration is the length of Speech.
func SpeechDuration() time.Duration { return 5680 * time.Millisecond }

// SpeechChinese returns an MP3 recording (mono, 22.05 kHz) of a Chinese sentence. The bytes are the caller's own.
func SpeechChinese() []byte { return bytes.Clone(speechChinese) }
