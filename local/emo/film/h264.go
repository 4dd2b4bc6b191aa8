package film

// The stream is constrained baseline H.264 (Rec. ITU-T H.264), which needs no encoder when nothing is predicted:
//
//   - a key picture sends each macroblock raw (I_PCM) and becomes long-term reference 0;
//   - the first picture of another pose sends raw only the macroblocks around the mouth, skips the rest, and becomes
//     the next long-term reference;
//   - every other picture skips all macroblocks, which repeats the reference that shows its pose, and is itself no
//     reference. Poses are kept as long-term references since a sliding window would push them out.
//
// Order of output is order of decoding. Pictures that are no reference follow each other, so the picture order
// count is sent (type 0): type 2 forbids that (8.2.1.3).

const (
	frameNumBits = 4  // log2_max_frame_num: only references count, and there are fewer than 16 to a key picture
	orderBits    = 12 // log2_max_pic_order_cnt_lsb: two to a picture, 250 pictures to a key picture

	nalSlice    = 1
	nalKey      = 5
	nalSequence = 7
	nalPicture  = 8

	profileBaseline = 66
	constraintSets  = 0xC0 // conforms to baseline and to main: constrained baseline
	levelIDC        = 40   // level 4: raw pictures need its buffers, not its speed
)

// nal wraps a payload into a NAL unit and keeps start codes out of it (7.4.1).
func nal(refIDC, kind byte, payload []byte) []byte {
	out := make([]byte, 1, len(payload)+len(payload)/64+8)
	out[0] = refIDC<<5 | kind
	zeros := 0
	for _, b := range payload {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

// sequenceSet is the sequence parameter set (7.3.2.1.1, E.1.1).
func sequenceSet(width, height, references int) []byte {
	var b bitWriter
	b.u(8, profileBaseline)
	b.u(8, constraintSets)
	b.u(8, levelIDC)
	b.ue(0) // seq_parameter_set_id
	b.ue(frameNumBits - 4)
	b.ue(0) // pic_order_cnt_type
	b.ue(orderBits - 4)
	b.ue(uint32(references))
	b.u(1, 0) // gaps_in_frame_num_value_allowed_flag
	b.ue(uint32(width/macroblockSide - 1))
	b.ue(uint32(height/macroblockSide - 1))
	b.u(1, 1)  // frame_mbs_only_flag
	b.u(1, 1)  // direct_8x8_inference_flag
	b.u(1, 0)  // frame_cropping_flag
	b.u(1, 1)  // vui_parameters_present_flag
	b.u(1, 1)  // aspect_ratio_info_present_flag
	b.u(8, 1)  // square pixels
	b.u(1, 0)  // overscan_info_present_flag
	b.u(1, 1)  // video_signal_type_present_flag
	b.u(3, 5)  // video_format: unspecified
	b.u(1, 0)  // video_full_range_flag
	b.u(1, 1)  // colour_description_present_flag
	b.u(8, 1)  // primaries of Rec. 709, which are sRGB's
	b.u(8, 13) // transfer of sRGB
	b.u(8, 6)  // matrix of Rec. 601
	b.u(1, 0)  // chroma_loc_info_present_flag
	b.u(1, 1)  // timing_info_present_flag
	b.u(32, 1)
	b.u(32, 2*framesPerSecond)
	b.u(1, 0) // fixed_frame_rate_flag: the last frame ends with the recording
	b.u(1, 0) // nal_hrd_parameters_present_flag
	b.u(1, 0) // vcl_hrd_parameters_present_flag
	b.u(1, 0) // pic_struct_present_flag
	b.u(1, 1) // bitstream_restriction_flag
	b.u(1, 1) // motion_vectors_over_pic_boundaries_flag
	b.ue(0)   // max_bytes_per_pic_denom: no limit
	b.ue(0)   // max_bits_per_mb_denom: no limit
	b.ue(0)   // log2_max_mv_length_horizontal
	b.ue(0)   // log2_max_mv_length_vertical
	b.ue(0)   // max_num_reorder_frames: what spares a decoder from holding frames back
	b.ue(uint32(references))
	b.trail()
	return nal(3, nalSequence, b.buf)
}

// pictureSet is the picture parameter set (7.3.2.2).
func pictureSet() []byte {
	var b bitWriter
	b.ue(0)   // pic_parameter_set_id
	b.ue(0)   // seq_parameter_set_id
	b.u(1, 0) // CAVLC
	b.u(1, 0) // bottom_field_pic_order_in_frame_present_flag
	b.ue(0)   // one slice group
	b.ue(0)   // one reference in list 0
	b.ue(0)   // and in list 1
	b.u(1, 0) // weighted_pred_flag
	b.u(2, 0) // weighted_bipred_idc
	b.ue(0)   // pic_init_qp_minus26, as se(v)
	b.ue(0)   // pic_init_qs_minus26
	b.ue(0)   // chroma_qp_index_offset
	b.u(1, 1) // deblocking_filter_control_present_flag
	b.u(1, 0) // constrained_intra_pred_flag
	b.u(1, 0) // redundant_pic_cnt_present_flag
	b.trail()
	return nal(3, nalPicture, b.buf)
}

// Slice and macroblock types (tables 7-6, 7-11, 7-13).
const (
	sliceP    = 5
	sliceI    = 7
	rawInI    = 25
	rawInP    = 5 + 25
	rawHeader = "\x0D\x00" // ue(25) and alignment, when a macroblock begins at a byte
)

// keyHead is a key picture up to the first macroblock's samples; keyBody is the rest. Keys that follow each other
// must differ in their id; the body of a pose is the same in all of them.
func keyHead(id uint32) []byte {
	var b bitWriter
	b.ue(0) // first_mb_in_slice
	b.ue(sliceI)
	b.ue(0)              // pic_parameter_set_id
	b.u(frameNumBits, 0) // frame_num
	b.ue(id)             // idr_pic_id
	b.u(orderBits, 0)    // pic_order_cnt_lsb
	b.u(1, 0)            // no_output_of_prior_pics_flag
	b.u(1, 1)            // long_term_reference_flag: it becomes long-term reference 0
	b.ue(0)              // slice_qp_delta
	b.ue(1)              // disable_deblocking_filter_idc
	b.ue(rawInI)
	b.align()
	return nal(3, nalKey, b.buf)
}

func keyBody(pose macroblocks) []byte {
	out := make([]byte, 0, len(pose)+pose.count()*len(rawHeader)+1)
	for i := range pose.count() {
		if i > 0 {
			out = append(out, rawHeader...)
		}
		out = append(out, pose.at(i)...)
	}
	return append(out, 0x80)
}

// interHead writes a P slice's header up to its macroblocks: a picture of the given number and order that looks at
// one long-term reference. keep is the long-term index that the picture itself takes, or negative for none.
func (b *bitWriter) interHead(frameNum, order, reference, keep, references int) {
	b.ue(0) // first_mb_in_slice
	b.ue(sliceP)
	b.ue(0) // pic_parameter_set_id
	b.u(frameNumBits, uint32(frameNum))
	b.u(orderBits, uint32(order))
	b.u(1, 0) // num_ref_idx_active_override_flag
	b.u(1, 1) // ref_pic_list_modification_flag_l0
	b.ue(2)   // a long-term reference comes first:
	b.ue(uint32(reference))
	b.ue(3) // end
	if keep >= 0 {
		b.u(1, 1) // adaptive_ref_pic_marking_mode_flag
		b.ue(4)   // so many long-term references are allowed:
		b.ue(uint32(references))
		b.ue(6) // this one becomes long-term reference
		b.ue(uint32(keep))
		b.ue(0) // end
	}
	b.ue(0) // slice_qp_delta
	b.ue(1) // disable_deblocking_filter_idc
}

// repeat is a picture that shows a reference again.
func repeat(frameNum, order, reference, count int) []byte {
	var b bitWriter
	b.interHead(frameNum, order, reference, -1, 0)
	b.ue(uint32(count)) // mb_skip_run
	b.trail()
	return nal(0, nalSlice, b.buf)
}

// change is a picture that differs from long-term reference 0 in the listed macroblocks and is kept.
func change(frameNum, order, keep, references int, pose macroblocks, list []int) []byte {
	b := bitWriter{buf: make([]byte, 0, len(list)*(macroblockBytes+4)+16)}
	b.interHead(frameNum, order, 0, keep, references)
	next := 0
	for _, i := range list {
		b.ue(uint32(i - next)) // mb_skip_run
		b.ue(rawInP)
		b.align()
		b.bytes(pose.at(i))
		next = i + 1
	}
	if rest := pose.count() - next; rest > 0 {
		b.ue(uint32(rest))
	}
	b.trail()
	return nal(2, nalSlice, b.buf)
}
