package template

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// besides: env.example.json gives `sam local invoke` exactly what it cannot work out,
// and each line that shows it names a function and an event that it takes;
// samconfig.toml keeps builds honest; docs/deploy.md explains every parameter and
// output it names, docs/operations.md every alarm.
func besides(t *tree, c *code) []string {
	return slices.Concat(exampleEnvironment(t), samLines(t), samConfig(), inARegion(), deployPage(t), operationsPage(t, c))
}

var (
	samLine    = regexp.MustCompile(`(?m)^sam local invoke (\S+) +--env-vars env\.json +--event events/(\S+) --parameter-overrides((?: \w+=\w+)+)$`)
	sampleOf   = regexp.MustCompile("(?m)^\\| `(\\S+\\.json)` \\| (\\w+) \\|")
	invokeLine = regexp.MustCompile(`make invoke FN=(\w+) +EVENT=events/([\w.-]+)`)
)

// samLines: what the pages say to type works, as far as names go.
func samLines(t *tree) []string {
	var wrong []string
	samples, err := os.ReadFile(root + "/events/README.md")
	if err != nil {
		return []string{err.Error()}
	}
	takes := map[string]string{}
	for _, m := range sampleOf.FindAllStringSubmatch(string(samples), -1) {
		takes[m[1]] = m[2]
	}
	for _, page := range []string{"README.md", "README.zh-CN.md", "docs/deploy.md"} {
		b, err := os.ReadFile(root + "/" + page)
		if err != nil {
			return []string{err.Error()}
		}
		lines := samLine.FindAllStringSubmatch(string(b), -1)
		if len(lines) != strings.Count(string(b), "\nsam local invoke ") || len(lines) == 0 {
			wrong = append(wrong, page+": shows no, or another form of, sam local invoke")
		}
		// What is built for another processor does not start.
		for _, line := range regexp.MustCompile(`(?m)^(?:CGO_ENABLED=0 sam build|sam local invoke) .*$`).FindAllString(string(b), -1) {
			if !strings.Contains(line, "Architecture=x86_64") {
				wrong = append(wrong, page+": does not say for which processor: "+line)
			}
		}
		for _, m := range lines {
			if fn := t.resource(m[1]); fn.kind != serverless || fn.name() != takes[m[2]] {
				wrong = append(wrong, fmt.Sprintf("%s: %s is no function that takes events/%s", page, m[1], m[2]))
			}
			for set := range strings.FieldsSeq(m[3]) {
				name, value, _ := strings.Cut(set, "=")
				if p := at(t.top, "Parameters/"+name); p == nil || admits(p, value) != nil {
					wrong = append(wrong, page+": the template takes no "+set)
				}
			}
		}
		for _, m := range invokeLine.FindAllStringSubmatch(string(b), -1) {
			if takes[m[2]] != m[1] {
				wrong = append(wrong, fmt.Sprintf("%s: %s does not take events/%s", page, m[1], m[2]))
			}
		}
	}
	return wrong
}

// inARegion: whoever copies the commands of a page from its top has said where first,
// to AWS's command line and to SAM, which read different variables.
func inARegion() []string {
	var wrong []string
	for _, page := range []string{"docs/deploy.md", "docs/operations.md"} {
		b, err := os.ReadFile(root + "/" + page)
		if err != nil {
			return []string{err.Error()}
		}
		_, first, _ := strings.Cut(string(b), "```sh\n")
		if !strings.HasPrefix(first, "export AWS_REGION=ap-northeast-1 AWS_DEFAULT_REGION=ap-northeast-1") {
			wrong = append(wrong, page+": its first command does not say in which region")
		}
	}
	return wrong
}

// exampleEnvironment: a variable that SAM does not find in the template is dropped in
// silence, and a reference to a resource becomes its logical id.
// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-invoke.html
func exampleEnvironment(t *tree) []string {
	var wrong []string
	var given map[string]map[string]string
	if err := readJSON("env.example.json", &given); err != nil {
		return []string{err.Error()}
	}
	w := t.world("all on", choices["all that can be told"])
	for _, id := range sorted(given) {
		if t.resource(id).kind != serverless {
			wrong = append(wrong, "env.example.json: there is no function "+id)
		}
	}
	for _, fn := range t.ofKind(serverless) {
		env := w.environment(fn)
		for _, v := range sorted(env) {
			if unknown := strings.Contains(env[v], "<"); unknown != (given[fn.id][v] != "") {
				wrong = append(wrong, fmt.Sprintf("env.example.json: %s %s: want it exactly when it names a resource, which is %t", fn.id, v, unknown))
			}
		}
		for _, v := range sorted(given[fn.id]) {
			if _, ok := env[v]; !ok {
				wrong = append(wrong, fmt.Sprintf("env.example.json: %s %s is not in the template, so SAM drops it", fn.id, v))
			}
		}
	}
	return wrong
}

func samConfig() []string {
	var wrong []string
	b, err := os.ReadFile(root + "/samconfig.toml")
	if err != nil {
		return []string{err.Error()}
	}
	for _, want := range []string{"cached = false", "resolve_s3 = true", `capabilities = "CAPABILITY_IAM"`, `stack_name = "emodrop"`, "confirm_changeset = true"} {
		if !slices.Contains(strings.Split(string(b), "\n"), want) {
			wrong = append(wrong, "samconfig.toml: does not say "+want)
		}
	}
	for _, ones := range []string{"region", "s3_bucket", "s3_prefix", "parameter_overrides"} {
		if regexp.MustCompile(`(?m)^\s*` + ones + `\s*=`).Match(b) {
			wrong = append(wrong, "samconfig.toml: says "+ones+", which is one stack's own")
		}
	}
	return wrong
}

var named = regexp.MustCompile("`([A-Z][A-Za-z]+)`")

// deployPage: each parameter has its row, and no row is about one that is not there.
func deployPage(t *tree) []string {
	var wrong []string
	b, err := os.ReadFile(root + "/docs/deploy.md")
	if err != nil {
		return []string{err.Error()}
	}
	rows := map[string]bool{}
	for line := range strings.SplitSeq(string(b), "\n") {
		if m := named.FindStringSubmatch(line); m != nil && strings.HasPrefix(line, "| `"+m[1]+"` |") {
			rows[m[1]] = true
		}
	}
	metrics := 0
	for _, a := range t.ofKind("AWS::CloudWatch::Alarm") {
		watched, _ := watches(t.plain(), a)
		metrics += len(watched)
	}
	own := map[string]bool{}
	for _, f := range t.ofKind("AWS::Logs::MetricFilter") {
		own[textAt(f.props, "MetricTransformations/0/MetricName")] = true
	}
	for _, row := range []string{fmt.Sprintf("| alarms | %d metrics;", metrics), fmt.Sprintf("| own metrics | %d,", len(own))} {
		if !strings.Contains(string(b), row) {
			wrong = append(wrong, "docs/deploy.md: does not reckon with what there is: "+row)
		}
	}
	names := mapAt(t.top, "Parameters")
	for _, p := range sorted(names) {
		if !rows[p] {
			wrong = append(wrong, "docs/deploy.md: says nothing of the parameter "+p)
		}
	}
	for _, r := range sorted(rows) {
		if names[r] == nil && at(t.top, "Outputs/"+r) == nil {
			wrong = append(wrong, "docs/deploy.md: there is no parameter or output "+r)
		}
	}
	return wrong
}
