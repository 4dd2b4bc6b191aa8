package template

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever takes an action away from a role is told, wherever it is taken away: from
// the template, and from the list beside it too.
func TestEveryActionOfEveryRoleIsNeeded(t *testing.T) {
	t.Parallel()
	c := theCode(t)
	tree, err := load()
	require.NoError(t, err)
	actions := 0
	for name := range granted {
		role := tree.roleOf(name)
		for where := range tree.statementPaths(role) {
			for i, action := range texts(at(tree.top, where+"/Action")) {
				copied, err := load()
				require.NoError(t, err)
				left := slices.Delete(slices.Clone(list(at(tree.top, where+"/Action"))), i, i+1)
				at(copied.top, where).(map[string]any)["Action"] = left
				found := fmt.Sprint(copied.asListed(granted))
				require.Contains(t, found, "may not "+action, "%s without %s, of %s", role.id, action, where)
				actions++
			}
		}
		for i, g := range granted[name] {
			less := maps.Clone(granted)
			less[name] = slices.Delete(slices.Clone(granted[name]), i, i+1)
			found := fmt.Sprint(needed(c, less), tree.asListed(less))
			if g.because == "" {
				require.Contains(t, found, name+": calls for "+g.action, "nothing shows that %s needs %v", name, g)
			}
			require.Contains(t, found, "may "+g.action, "%s: %v", name, g)
		}
	}
	require.Greater(t, actions, 50)
}

// statementPaths are where a role's statements stand, those in policies of their own
// and behind conditions included.
func (t *tree) statementPaths(role resource) map[string]bool {
	paths := map[string]bool{}
	walk(t.top["Resources"], "Resources", func(path string, v any) {
		s, _ := v.(map[string]any)
		if textAt(s, "Effect") != "Allow" || s["Action"] == nil || s["Principal"] != nil {
			return
		}
		id := strings.Split(path, "/")[1]
		if id == role.id || textAt(t.resource(id).props, "RoleName/Ref") == role.id {
			paths[path] = true
		}
	})
	return paths
}

func TestAStarOfAPolicyStandsForAnyText(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"b/videos/*", "b/videos/a/b.mp4", true},
		{"b/videos/*", "b/staging/a", false},
		{"b/videos/*.json", "b/videos/a.json", true},
		{"b/videos/*.json", "b/videos/a.json.mp4", false},
		{"b/*/x/*.json", "b/a/x/c.json", true},
		{"b/*/x/*.json", "b/a/y/c.json", false},
		{"b", "b", true},
		{"b", "bc", false},
		{"b", "", false},
	} {
		require.Equal(t, c.want, grant{"a:B", c.pattern, ""}.covers(use{"a:B", c.resource}), strconv.Itoa(i))
		require.False(t, grant{"a:B", c.pattern, ""}.covers(use{"a:C", c.resource}))
	}
}
