package template

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A check is one demand on the template. It returns what is wrong, each as where
// and what.
type check struct {
	name string
	find func(t *tree, c *code) []string
}

var checks = []check{
	{"everything that is referred to is there", references},
	{"nothing refers in a circle", circles},
	{"parameters are explained, bounded and used", parameters},
	{"the functions' environment is what the code reads", environment},
	{"each function can be built and fits the code's own times", functions},
	{"the schedule runs poll", schedule},
	{"hand-ins reach submit", handIns},
	{"queues keep, protect and give up", queues},
	{"the table is the store's", table},
	{"each role may do what its function does and no more", permissions},
	{"policies are narrow and trust whom they should", trust},
	{"buckets are private and keep what was paid for", buckets},
	{"what is deleted with the stack is chosen", deletion},
	{"each function logs as JSON into a group of its own", logGroups},
	{"filters match lines that the code writes", filters},
	{"alarms watch what is emitted, and somebody hears", alarms},
	{"the dashboard shows what is there", dashboard},
	{"outputs name all that the next command needs", outputs},
	{"the files beside the template agree with it", besides},
}

func TestTheTemplateAgreesWithTheCode(t *testing.T) {
	t.Parallel()
	tree, err := load()
	require.NoError(t, err)
	code := theCode(t)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, wrong := range c.find(tree, code) {
				t.Errorf("\n%s", wrong)
			}
		})
	}
}

func TestWhatIsNoTemplateIsRefused(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"a key twice":         "a: 1\na: 2\n",
		"an anchor":           "a: &x 1\nb: *x\n",
		"an unknown form":     "a: !Reff x\n",
		"a list":              "- a\n",
		"nothing":             "",
		"what is no YAML":     "a: [\n",
		"an unknown form, in": "a: { b: [ !Refs x ] }\n",
	} {
		_, err := parse([]byte(yaml))
		require.Error(t, err, name)
	}
}

// cfn-lint takes some seconds and is a Python program, so it runs with the
// end-to-end tests, where it is installed.
func TestCfnLintFindsNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("EMODROP_E2E") == "" {
		t.Skip("set EMODROP_E2E to have cfn-lint look at the template")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	// With the informational rules too.
	out, err := exec.CommandContext(t.Context(), lint, "--include-checks", "I", "--", root+"/template.yaml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
}
