package stack_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/stack"
)

func TestTheFilmMakerMovesTheMouthWhereTheCreateCallSaysTheFaceIs(t *testing.T) {
	t.Parallel()
	beep := bytes.Clone(sample.Speech()[:44]) // its header, then a twentieth of a second
	for i := range 800 {
		beep = binary.LittleEndian.AppendUint16(beep, uint16(int16(i%16*1000)))
	}
	binary.LittleEndian.PutUint32(beep[40:], 1600)
	film := func(face [4]int) []byte {
		var b bytes.Buffer
		made, err := stack.Films().Make(context.Background(), &b, emo.Film{
			Picture: sample.Portrait(), FaceBox: face, ExtBox: [4]int{11, 18, 879, 886}, Audio: beep, Ratio: "1:1",
		})
		require.NoError(t, err)
		require.EqualValues(t, b.Len(), made.Size)
		return b.Bytes()
	}
	require.False(t, bytes.Equal(film([4]int{271, 331, 618, 678}), film([4]int{301, 311, 648, 658})))
}
