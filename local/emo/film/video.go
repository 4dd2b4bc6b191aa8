package film

// A frame is one picture's NAL unit in two parts; the second is shared between frames and may be empty.
type frame struct {
	head, body []byte
	key        bool
}

func (f frame) size() int { return len(f.head) + len(f.body) }

// video is the picture track.
type video struct {
	width, height int
	sequence      []byte // parameter sets, as NAL units
	picture       []byte
	frames        []frame
}

// newVideo lays out a frame for each wanted pose. There are at least one pose and one frame.
func newVideo(width, height int, poses []macroblocks, wanted []int) *video {
	v := &video{
		width: width, height: height,
		sequence: sequenceSet(width, height, len(poses)),
		picture:  pictureSet(),
		frames:   make([]frame, 0, len(wanted)),
	}
	list := differing(poses)
	count := poses[0].count()
	bodies := make([][]byte, len(poses)) // of key pictures, by pose
	var kept []int                       // long-term index by pose since the last key picture; negative if it has none
	references := 0
	for i, pose := range wanted {
		at := i % (keySeconds * framesPerSecond)
		switch {
		case at == 0:
			if bodies[pose] == nil {
				bodies[pose] = keyBody(poses[pose])
			}
			id := uint32(i / (keySeconds * framesPerSecond) % 2)
			v.frames = append(v.frames, frame{head: keyHead(id), body: bodies[pose], key: true})
			kept = make([]int, len(poses))
			for p := range kept {
				kept[p] = -1
			}
			kept[pose], references = 0, 1
		case kept[pose] < 0:
			kept[pose] = references
			v.frames = append(v.frames, frame{head: change(references, 2*at, references, len(poses), poses[pose], list)})
			references++
		default:
			v.frames = append(v.frames, frame{head: repeat(references, 2*at, kept[pose], count)})
		}
	}
	return v
}
