package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"emodrop/local/emo"
)

// people draws what people do. Whatever it is, it is done while the storm lasts.
type people struct {
	r         *rand.Rand
	s         *Schedule
	portraits [][]byte
	storm     time.Duration
	sounds    int
	// crowd has everybody come at the same time; zero: as they like.
	crowd time.Duration
}

// at draws a time in the first half of the storm, after a time.
func (p *people) at(after time.Duration) time.Duration {
	if p.crowd > 0 && after == 0 {
		return p.crowd + time.Duration(p.r.Int64N(int64(5*time.Second)))
	}
	return after + time.Duration(p.r.Int64N(int64(max(time.Second, p.storm/2-after))))
}

// gap draws a time between two files of one upload: seconds mostly.
func (p *people) gap() time.Duration {
	return time.Duration(p.r.Int64N(int64(pick(p.r, 2*time.Second, 10*time.Second, 3*time.Minute))))
}

func (p *people) put(when time.Duration, key string, data []byte) {
	p.act(Act{At: when, Key: key, Data: data})
}

// act places an act in an instant of its own, and not before the stack is there.
func (p *people) act(a Act) {
	a.At = max(0, min(a.At, p.storm-time.Minute)) + 2*time.Second + time.Duration(p.r.IntN(1e6))
	p.s.Acts = append(p.s.Acts, a)
}

func (p *people) picture() []byte { return p.portraits[p.r.IntN(len(p.portraits))] }

func (p *people) voice() []byte {
	p.sounds++
	return Recording(int(p.s.Seed)<<4|p.sounds, time.Duration(500+p.r.IntN(2500))*time.Millisecond)
}

// handIn has somebody hand something in under a name.
func (p *people) handIn(name string) {
	t := p.at(0)
	switch p.r.IntN(14) {
	case 0: // one portrait, several voices
		p.put(t, name+"/portrait.png", p.picture())
		for v := range 2 + p.r.IntN(2) {
			p.put(t+p.gap()-p.gap()/2, fmt.Sprintf("%s/v%d.wav", name, v), p.voice())
		}
		if p.r.IntN(2) == 0 { // and later another portrait
			p.put(t+p.at(p.gap()), name+"/portrait.png", p.picture())
		}
	case 1: // a portrait, and a voice that has a picture of its own
		p.put(t, name+"/portrait.png", p.picture())
		p.put(t+p.gap(), name+"/v.png", p.picture())
		p.put(t+p.gap()+p.gap(), name+"/v.wav", p.voice())
	case 2: // the same again
		image, audio := p.picture(), p.voice()
		p.put(t, name+".png", image)
		p.put(t+p.gap(), name+".wav", audio)
		p.put(t+p.at(p.gap()), name+".wav", audio)
	case 3, 4: // better and better recordings, at once, soon or much later
		p.put(t, name+".png", p.picture())
		at := t + p.gap()
		p.put(at, name+".wav", p.voice())
		for range 1 + p.r.IntN(3) {
			soon := 20*time.Second + time.Duration(p.r.Int64N(int64(time.Minute)))
			at += pick(p.r, p.gap(), soon, soon, p.at(p.gap())-p.gap())
			p.put(at, name+".wav", p.voice())
		}
	case 5: // nothing that can be used
		p.put(t, name+".png", pick(p.r, []byte("no picture at all"), p.picture()[:200]))
		p.put(t+p.gap(), name+".wav", p.voice())
	case 11, 12, 13:
		p.withOptions(t, name)
	default:
		p.put(t, name+".png", p.picture())
		p.put(max(0, t+p.gap()-p.gap()), name+".wav", p.voice())
	}
}

// operate has those who run the stack do something to it.
func (p *people) operate() {
	from := p.at(0)
	to := min(p.storm-2*time.Minute, from+time.Minute+time.Duration(p.r.Int64N(int64(p.storm/2))))
	switch p.r.IntN(6) {
	case 0: // paused, and resumed, some times
		for step := (to - from) / 16; from < to; from += 2 * step {
			p.act(Act{At: from, Pause: true})
			p.act(Act{At: from + step, Resume: true})
		}
	case 1: // the key is refused for a while
		p.act(Act{At: from, UseKey: "sk-refused"})
		p.act(Act{At: to, UseKey: p.s.Config.Key})
	case 2: // the bill was not paid
		p.act(Act{At: from, Fault: &emo.Rule{Op: "create", Kind: "status", Code: "Arrearage", Count: 1 + p.r.IntN(3)}})
	}
}
