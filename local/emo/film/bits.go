package film

import "math/bits"

// bitWriter appends bits, the highest first.
type bitWriter struct {
	buf []byte
	acc uint64 // the lowest n bits are still to be written
	n   uint
}

// u writes the lowest count bits of v; count is at most 32.
func (b *bitWriter) u(count uint, v uint32) {
	b.acc = b.acc<<count | uint64(v)&(1<<count-1)
	b.n += count
	for b.n >= 8 {
		b.n -= 8
		b.buf = append(b.buf, byte(b.acc>>b.n))
	}
}

// ue writes an unsigned Exp-Golomb code (Rec. ITU-T H.264, 9.1).
func (b *bitWriter) ue(v uint32) {
	length := uint(bits.Len32(v + 1))
	b.u(length-1, 0)
	b.u(length, v+1)
}

// align writes zero bits up to the next byte.
func (b *bitWriter) align() {
	if b.n > 0 {
		b.u(8-b.n, 0)
	}
}

// trail ends a NAL unit's payload: a one, then zeros up to the next byte.
func (b *bitWriter) trail() {
	b.u(1, 1)
	b.align()
}

// bytes writes whole bytes; the writer must be aligned.
func (b *bitWriter) bytes(p []byte) { b.buf = append(b.buf, p...) }
