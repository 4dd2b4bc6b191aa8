package rules

import (
	"path"
	"slices"
	"strings"
)

// A layer is a row of the architecture. Imports go down, never up or sideways:
//
//	functions, cmd, local → app → steps, adapters → leaves
type layer string

const (
	functions layer = "functions" // the Lambdas' mains
	edge      layer = "edge"      // cmd, local, docs, events and the root: may import anything below
	app       layer = "app"       // the wiring
	step      layer = "step"      // what happens to a job, as verbs
	adapter   layer = "adapter"   // one technology each
	leaf      layer = "leaf"      // the domain, the media readers, the words
	nowhere   layer = ""          // not part of the architecture
)

// sharedLayers is every package that may stand under shared/.
var sharedLayers = map[string]layer{
	"app": app,

	"intake": step, "submit": step, "poll": step, "finalize": step, "callback": step, "tell": step,
	"operate": step, "show": step, "report": step,

	"dashscope": adapter, "store": adapter, "bucket": adapter, "notify": adapter,
	"invoke": adapter, "fetch": adapter, "webhook": adapter,

	"job": leaf, "media": leaf, "words": leaf, "public": leaf,
}

// edges are the folders beside functions and shared that hold Go.
var edges = []string{".", "cmd", "local", "docs", "events"}

// unit cuts a folder to the package that owns it (shared/store/x → shared/store)
// and names its layer.
func unit(dir string) (string, layer) {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "shared" && len(parts) > 1:
		return path.Join(parts[:2]...), sharedLayers[parts[1]]
	case parts[0] == "functions" && len(parts) > 1:
		return path.Join(parts[:2]...), functions
	case slices.Contains(edges, parts[0]):
		return parts[0], edge
	}
	return dir, nowhere
}

// mayImport says whether a package may import another of ours. Both are units.
func mayImport(from string, in layer, to string, below layer) bool {
	if from == to {
		return true
	}
	switch in {
	case functions:
		return below == app
	case app:
		return below == step || below == adapter || below == leaf
	case step:
		return below == leaf
	case adapter:
		// What a topic takes is a rendered text, and its form is the words' own. Who goes
		// where somebody else's link leads asks what is public.
		return to == "shared/job" || to == "shared/public" || from == "shared/notify" && to == "shared/words"
	case leaf:
		return from == "shared/words" && to == "shared/job"
	case edge:
		// What people start may use what is wired and what stands in for the
		// cloud; nothing uses what people start, or these rules.
		return below != nowhere && below != functions && to != "docs" && to != "events" && to != "." &&
			(to != "cmd" || from != "local")
	}
	return false
}

// A testException lets tests in package x_test of one place import another. Such
// a file cannot make an import cycle and is never linked into a binary.
// To add one is to write down why.
type testException struct {
	from, to string // folders, with all below them
	why      string
}

var testExceptions = []testException{
	{"shared/store", "local/aws", "one contract suite holds the memory store and the DynamoDB stand-in to the same answers"},
	{"shared/store", "local/emo", "the contract suite replays what the emulator answered"},
	{"shared/dashscope", "local/emo", "the client is tested against the emulator instead of canned replies"},
	{"shared/bucket", "local/aws", "the real SDK client is tested against the S3 stand-in"},
	{"shared/notify", "local/aws", "the real SDK clients are tested against the SNS and EventBridge stand-ins"},
	{"shared/media", "local/sample", "the readers are tested on the portrait and the speech that ship with the laptop stack"},
	{"shared/callback", "local/emo", "a push that the emulator signed proves the verifier"},
	{"shared/finalize", "local/emo/film", "a rescue is tested on a film that plays"},
	{"shared/app", "local", "the wiring is what the simulation runs, over the stand-ins and the emulator"},
	{"shared/intake", "shared/operate", "what an object of the inbox asks for is tried with who carries it out"},
	{"shared", "local/race", "how much of a table is played under the race detector is said in one place"},
	{"functions", "local", "a Lambda's binary is tested under the local runtime"},
}

// stepTests adds what the tests of every step may import.
var stepTests = []testException{
	{"", "shared/store", "steps are tested on the memory store, which passes DynamoDB's contract suite: a fake of it would drift"},
	{"", "local/sample", "steps are fed a real portrait and real speech"},
}

// excepted says whether a test in this folder may import another, if it stands
// in package x_test.
func excepted(dir string, in layer, to string) bool {
	for _, e := range testExceptions {
		if within(dir, e.from) && within(to, e.to) {
			return true
		}
	}
	return in == step && slices.ContainsFunc(stepTests, func(e testException) bool { return within(to, e.to) })
}

func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

// ours turns an import path into a folder of this module.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// direction: imports of our own packages go down the layers.
func direction(tree []*source) []breach {
	var all []breach
	for _, s := range tree {
		from, in := unit(s.dir)
		if in == nowhere {
			all = append(all, s.at(s.ast.Package, "%s has no place in the architecture: put it under an existing folder, or give it a layer in docs/rules/layers_test.go", s.dir))
			continue
		}
		for _, i := range s.imports() {
			dir, ok := ours(i.path)
			if !ok {
				continue
			}
			to, below := unit(dir)
			what := advice(in)
			switch {
			case mayImport(from, in, to, below):
				continue
			case s.test && excepted(s.dir, in, dir):
				if s.external {
					continue
				}
				what = "a test may, in package " + s.ast.Name.Name + "_test"
			}
			all = append(all, s.at(i.pos, "%s (%s) imports %s: %s", from, in, dir, what))
		}
	}
	return all
}

func advice(in layer) string {
	switch in {
	case functions:
		return "a Lambda's main imports shared/app only; wire it there"
	case app:
		return "shared/app wires what sharedLayers in docs/rules/layers_test.go names, and knows neither cmd nor local"
	case step:
		return "a step imports shared/job, shared/media and shared/words only; declare the small interface it needs and let shared/app wire it"
	case adapter:
		return "an adapter imports shared/job only; meet the others in shared/app"
	case leaf:
		return "shared/job and shared/media import nothing of ours, shared/words only shared/job; move what is shared down into shared/job"
	}
	return "nothing imports what people start; move the code below it"
}

// vendors: the layers that must not know AWS do not import it, and the mains
// import nothing foreign but the Lambda library.
func vendors(tree []*source) []breach {
	const events = "github.com/aws/aws-lambda-go/events"
	var all []breach
	for _, s := range tree {
		from, in := unit(s.dir)
		for _, i := range s.imports() {
			switch {
			case in == functions && !s.test && foreign(i.path) && !within(i.path, "github.com/aws/aws-lambda-go"):
				all = append(all, s.at(i.pos, "%s imports %s: a Lambda's main imports shared/app and aws-lambda-go only; wire it in shared/app", from, i.path))
			case in == step && i.path == events && (from == "shared/intake" || from == "shared/callback"):
				// These two take what AWS sends, in the shape AWS documents.
			case (in == step || in == leaf) && within(i.path, "github.com/aws"):
				all = append(all, s.at(i.pos, "%s (%s) imports %s: SDK types stop at the adapters; say it in words of shared/job", from, in, i.path))
			}
		}
	}
	return all
}

// foreign says whether an import is neither ours nor the standard library's.
func foreign(importPath string) bool {
	if _, ok := ours(importPath); ok {
		return false
	}
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}
