// Package template holds template.yaml to the code it deploys, in what no linter
// finds: variables, permissions, the table's schema, event patterns, log lines,
// alarms whose metric nobody emits. It is all tests: `go test ./docs/template`.
//
// It does not check the template against CloudFormation's own schema (cfn-lint
// does, and is run where it is installed, with EMODROP_E2E set) and it talks to no
// cloud. Its one invariant: for each check there is a planted mistake, an edit of
// the parsed template, that the check finds; so no check can pass because it has
// stopped looking.
package template
