package media

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"time"
)

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
func le24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// duration is units/perSecond seconds, rounded up to the next nanosecond so that no excess over a limit is rounded
// away. What does not fit is the longest duration there is. perSecond must not be 0.
func duration(units, perSecond uint64) time.Duration {
	hi, lo := bits.Mul64(units, uint64(time.Second))
	lo, carry := bits.Add64(lo, perSecond-1, 0)
	hi += carry
	if hi >= perSecond {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, perSecond)
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(q)
}

// code4 shows a four-character code in a text, whatever bytes it consists of.
func code4(b []byte) string { return strconv.QuoteToASCII(string(b)) }
