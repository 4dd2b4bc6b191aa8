package template

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

var (
	alarmRow   = regexp.MustCompile(`(?m)^\| ([A-Z][A-Za-z]+) \| `)
	outName    = regexp.MustCompile(`\$\(out (\w+)\)|output ` + "`(\\w+)`")
	logQuery   = regexp.MustCompile("(?s)```logs\n(.*?)\n```")
	quoted     = regexp.MustCompile(`'[^']*'`)
	messageIn  = regexp.MustCompile(`message in \[([^\]]*)\]`)
	identifier = regexp.MustCompile(`(?:@|\b)[a-zA-Z_][\w.]*`)
)

// insights are the words of the query language, and the fields that are not ours: of
// the log itself and of the lines that Lambda writes.
// Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html and
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
var insights = strings.Fields(`filter fields sort stats limit by as and or in desc asc count max min avg latest earliest bin
	@timestamp @log message level type record.metrics.durationMs record.metrics.maxMemoryUsedMB`)

// operationsPage: each alarm has its row and no row is about one that is not there;
// the outputs it uses are there; each query of the logs asks for what is logged.
func operationsPage(t *tree, c *code) []string {
	var wrong []string
	bad := func(format string, args ...any) {
		wrong = append(wrong, "docs/operations.md: "+fmt.Sprintf(format, args...))
	}
	b, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil {
		return []string{err.Error()}
	}
	page := string(b)
	_, table, _ := strings.Cut(page, "## What the alarms mean")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := map[string]bool{}
	for _, m := range alarmRow.FindAllStringSubmatch(table, -1) {
		rows[m[1]+"Alarm"] = true
	}
	for _, a := range t.ofKind("AWS::CloudWatch::Alarm") {
		if !rows[a.id] {
			bad("does not say what %s means", a.id)
		}
		delete(rows, a.id)
	}
	for _, r := range sorted(rows) {
		bad("there is no %s", r)
	}
	for _, m := range outName.FindAllStringSubmatch(page, -1) {
		if name := m[1] + m[2]; at(t.top, "Outputs/"+name) == nil {
			bad("there is no output %s", name)
		}
	}
	queries := logQuery.FindAllStringSubmatch(page, -1)
	if len(queries) < 5 {
		bad("shows %d queries", len(queries))
	}
	for _, q := range queries {
		for _, why := range c.asks(q[1]) {
			bad("%s: %s", q[1], why)
		}
	}
	return wrong
}

// asks says what a query of all logs asks for that nobody logs.
func (c *code) asks(query string) []string {
	var wrong, wanted []string
	for _, m := range messages.FindAllStringSubmatch(query, -1) {
		wanted = append(wanted, m[1])
	}
	for _, m := range messageIn.FindAllStringSubmatch(query, -1) {
		for _, s := range quoted.FindAllString(m[1], -1) {
			wanted = append(wanted, strings.Trim(s, "'"))
		}
	}
	keys := slices.Clone(insights)
	for _, l := range c.logs {
		keys = append(keys, l.keys...)
	}
	for _, message := range wanted {
		if !slices.ContainsFunc(c.logs, func(l logLine) bool { return l.message == message }) {
			wrong = append(wrong, fmt.Sprintf("nobody logs %q", message))
		}
	}
	for _, m := range regexp.MustCompile(` as (\w+)`).FindAllStringSubmatch(query, -1) {
		keys = append(keys, m[1])
	}
	for _, word := range identifier.FindAllString(quoted.ReplaceAllString(query, ""), -1) {
		if !slices.Contains(keys, word) {
			wrong = append(wrong, fmt.Sprintf("no line has %s", word))
		}
	}
	return wrong
}
