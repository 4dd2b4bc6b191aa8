package sim_test

import (
	"flag"
	"fmt"

	"emodrop/local/sim"
)

var wired = flag.Uint64("wired", 10, "every how many-th seed is played over the wire, the first one included; 0: none")

// overTheWire says whether a seed is played over the SDK and HTTP: that is the seed's
// own, so it is replayed as it was played.
func overTheWire(seed uint64) bool { return *wired != 0 && (seed-1)%*wired == 0 }

// scheduled is a seed's schedule.
func scheduled(seed uint64) sim.Schedule {
	s := sim.NewSchedule(seed, drawn())
	s.Config.Wire = overTheWire(seed)
	return s
}

// split says how many of the first seeds are played in which way.
func split(seeds int) string {
	wire := 0
	for n := range uint64(seeds) {
		if overTheWire(n + 1) {
			wire++
		}
	}
	return fmt.Sprintf("%d over ports, %d over the SDK and HTTP", seeds-wire, wire)
}
