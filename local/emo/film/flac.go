package film

import (
	"crypto/md5"
	"encoding/binary"
	"math/bits"
)

// FLAC (RFC 9639) with fixed predictors and partitioned Rice codes only. A general encoder that tries more takes
// ten times as long and makes a film one or two per cent smaller.

const (
	flacBlock      = 4096 // samples of a frame, but for the last
	flacPartitions = 4    // 1<<4 partitions of a full block
	flacBits       = 16
	maxRice        = 14 // 15 would be the escape code
)

// encodeFLAC encodes one or two channels of samples of 16 bits; there is at least one sample.
func encodeFLAC(channels [][]int32, rate int) *sound {
	s := &sound{codec: codecFLAC, rate: rate, channels: len(channels)}
	n := len(channels[0])
	var smallest, largest int
	for at := 0; at < n; at += flacBlock {
		end := min(at+flacBlock, n)
		block := make([][]int32, len(channels))
		for c := range channels {
			block[c] = channels[c][at:end]
		}
		packet := flacFrame(block, rate, len(s.packets))
		s.packets = append(s.packets, packet)
		s.spans = append(s.spans, end-at)
		if smallest == 0 || len(packet) < smallest {
			smallest = len(packet)
		}
		largest = max(largest, len(packet))
	}

	var b bitWriter // STREAMINFO, section 8.2
	b.u(16, flacBlock)
	b.u(16, flacBlock)
	b.u(24, uint32(smallest))
	b.u(24, uint32(largest))
	b.u(20, uint32(rate))
	b.u(3, uint32(len(channels)-1))
	b.u(5, flacBits-1)
	b.u(4, 0)
	b.u(32, uint32(n))
	sum := md5sum(channels)
	b.bytes(sum[:])
	s.setup = b.buf
	return s
}

// md5sum is over all samples, interleaved, little endian.
func md5sum(channels [][]int32) (sum [md5.Size]byte) {
	raw := make([]byte, 0, 2*len(channels)*len(channels[0]))
	for i := range channels[0] {
		for _, c := range channels {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(c[i]))
		}
	}
	return md5.Sum(raw)
}

// flacFrame encodes one frame (section 9).
func flacFrame(channels [][]int32, rate, number int) []byte {
	n := len(channels[0])
	b := bitWriter{buf: make([]byte, 0, n*len(channels)*2+16)}
	b.u(16, 0xFFF8) // sync, fixed block size
	if n == flacBlock {
		b.u(4, 12) // 4096
	} else {
		b.u(4, 7) // 16 bits follow
	}
	b.u(4, 0) // rate: see STREAMINFO
	side := difference(channels)
	if side != nil {
		b.u(4, 8) // left channel and what it has over the right one
	} else {
		b.u(4, uint32(len(channels)-1))
	}
	b.u(3, 4) // 16 bits
	b.u(1, 0)
	b.bytes(appendCodedNumber(nil, uint32(number)))
	if n != flacBlock {
		b.u(16, uint32(n-1))
	}
	b.u(8, uint32(crc8(b.buf)))
	if side != nil {
		flacSubframe(&b, channels[0], flacBits)
		flacSubframe(&b, side, flacBits+1)
	} else {
		for _, c := range channels {
			flacSubframe(&b, c, flacBits)
		}
	}
	b.align()
	b.u(16, uint32(crc16(b.buf)))
	return b.buf
}

// appendCodedNumber appends a number the way UTF-8 codes a character (section 9.1.5); numbers stay under 1<<16.
func appendCodedNumber(p []byte, v uint32) []byte {
	switch {
	case v < 0x80:
		return append(p, byte(v))
	case v < 0x800:
		return append(p, 0xC0|byte(v>>6), 0x80|byte(v&0x3F))
	}
	return append(p, 0xE0|byte(v>>12), 0x80|byte(v>>6&0x3F), 0x80|byte(v&0x3F))
}

// difference returns left less right if that is the smaller thing to send, as it is for a voice on two channels.
func difference(channels [][]int32) []int32 {
	if len(channels) != 2 {
		return nil
	}
	side := make([]int32, len(channels[0]))
	var sizeSide, sizeRight int64
	for i, l := range channels[0] {
		r := channels[1][i]
		d := l - r
		side[i] = d
		sizeSide += int64(max(d, -d))
		sizeRight += int64(max(r, -r))
	}
	if sizeSide >= sizeRight {
		return nil
	}
	return side
}

// flacSubframe encodes one channel: constant, or the fixed predictor with the smallest residual.
func flacSubframe(b *bitWriter, samples []int32, sampleBits uint) {
	constant := true
	for _, v := range samples {
		if v != samples[0] {
			constant = false
			break
		}
	}
	if constant {
		b.u(8, 0)
		b.u(sampleBits, uint32(samples[0]))
		return
	}
	order, residual := predict(samples)
	b.u(8, uint32(8+order)<<1)
	for _, v := range samples[:order] {
		b.u(sampleBits, uint32(v))
	}
	partitions := uint(0)
	if len(samples) == flacBlock {
		partitions = flacPartitions
	}
	b.u(2, 0) // Rice parameters of four bits
	b.u(4, uint32(partitions))
	size := len(samples) >> partitions
	for p := range 1 << partitions {
		part := residual[max(p*size-order, 0) : (p+1)*size-order]
		rice(b, part)
	}
}

// predict chooses the order 0..4 with the smallest sum and returns that order's residual (section 9.2.5). Samples
// too few for an order leave it out.
func predict(samples []int32) (order int, residual []int32) {
	var best uint64
	current := samples
	for o := 0; o <= 4 && o < len(samples); o++ {
		if o > 0 {
			next := make([]int32, len(current)-1)
			for i := range next {
				next[i] = current[i+1] - current[i]
			}
			current = next
		}
		var sum uint64
		for _, v := range current {
			sum += uint64(max(v, -v))
		}
		if o == 0 || sum < best {
			best, order, residual = sum, o, current
		}
	}
	return order, residual
}

// rice writes one partition.
func rice(b *bitWriter, residual []int32) {
	var sum uint64
	for _, v := range residual {
		sum += uint64(uint32(v<<1) ^ uint32(v>>31))
	}
	k := uint(0)
	if len(residual) > 0 {
		k = min(uint(bits.Len64(sum/uint64(len(residual))*7/10)), maxRice)
	}
	b.u(4, uint32(k))
	for _, v := range residual {
		folded := uint32(v<<1) ^ uint32(v>>31)
		for q := folded >> k; ; q -= 24 {
			if q < 24 {
				b.u(uint(q)+1, 1)
				break
			}
			b.u(24, 0)
		}
		b.u(k, folded)
	}
}

// crc8 and crc16 are section 9.1.8's and 9.3's.
func crc8(p []byte) (crc uint8) {
	for _, v := range p {
		crc ^= v
		for range 8 {
			crc = crc<<1 ^ crc>>7*0x07
		}
	}
	return crc
}

// crc16 makes its table each time: a package has no state, and a frame is long.
func crc16(p []byte) (crc uint16) {
	var table [256]uint16
	for i := range table {
		c := uint16(i) << 8
		for range 8 {
			c = c<<1 ^ c>>15*0x8005
		}
		table[i] = c
	}
	for _, v := range p {
		crc = crc<<8 ^ table[byte(crc>>8)^v]
	}
	return crc
}
