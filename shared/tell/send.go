package tell

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// kind is what sort of news a message is: what receivers match on, so never changed.
type kind struct {
	// bus is the detail-type of the event on the bus, cloud the type of the CloudEvent.
	bus, cloud string
}

var (
	jobNews     = kind{"EMO Job State Change", "emodrop.job.state_changed"}
	waitingNews = kind{"EMO Input Waiting", "emodrop.input.waiting"}
	unknownNews = kind{"EMO Input Unknown", "emodrop.input.unknown"}
	refusedNews = kind{"EMO Control Refused", "emodrop.control.refused"}
	batchNews   = kind{"EMO Manifest State Change", "emodrop.manifest.state_changed"}
	orphanNews  = kind{"EMO Task Orphaned", "emodrop.task.orphaned"}
	budgetNews  = kind{"EMO Budget Reached", "emodrop.budget.reached"}
)

// send sends a message by one channel.
func (t *Teller) send(ctx context.Context, c job.Channel, m job.Message) error {
	ctx, cancel := context.WithTimeout(ctx, t.Within)
	defer cancel()
	switch c {
	case job.Record:
		if m.Batch != nil {
			return t.batchRecord(ctx, m)
		}
		if orphan(m) {
			return t.Manifests.Touch(ctx, m.Row)
		}
		now, err := t.record(ctx, m)
		if err != nil || m.Job == "" {
			return err
		}
		// Where its row stands may have been noted since the job was read for the move.
		if row := cmp.Or(now.row, m.Row); row != "" {
			if err := t.Manifests.Touch(ctx, row); err != nil {
				return err
			}
		}
		return t.Board.Show(ctx, m.Job, job.Outlook{})
	case job.Topic:
		if replaced(m) {
			// Whoever uploaded a newer file knows; a mail that a job "ended
			// without a film" would only frighten, and the newer job's own mail
			// comes. Pipelines count jobs, so the bus tells them.
			return nil
		}
		subject, body := words.Mail(m, t.Place)
		return t.Topic.Publish(ctx, words.Note{ID: m.ID, Subject: subject, Text: body, JSON: string(words.Event(m, t.Place)),
			Attributes: attributes(m)})
	case job.Bus:
		return t.Bus.PutEvent(ctx, m.ID, kindOf(m).bus, words.Event(m, t.Place))
	case job.Webhook:
		return t.Receiver.Post(ctx, m.ID, words.CloudEvent(m, kindOf(m).cloud, t.Place))
	}
	return fmt.Errorf("there is no channel %q", c)
}

// orphan reports whether a message is of a task that was charged in vain.
func orphan(m job.Message) bool { return m.Fault != nil && m.Fault.Code == job.CodeTaskOrphaned }

// replaced reports whether a job was taken back for a newer one of its name.
func replaced(m job.Message) bool {
	return m.State == job.Canceled && m.Fault != nil && m.Fault.Code == job.CodeReplaced
}

// halves are the codes of hand-ins of which a part is missing.
var halves = []string{job.CodeAudioMissing, job.CodePictureMissing, job.CodeFilesMissing}

// manifests are the codes of what goes wrong with a manifest after it was found good.
var manifests = []string{job.CodeManifestStuck, job.CodeResultsLost}

func kindOf(m job.Message) kind {
	switch {
	case m.Short != nil:
		return budgetNews
	case orphan(m):
		return orphanNews
	case m.Batch != nil, m.Fault != nil && slices.Contains(manifests, m.Fault.Code):
		return batchNews
	case m.Job != "":
		return jobNews
	case m.Fault != nil && slices.Contains(halves, m.Fault.Code):
		return waitingNews
	case m.Fault != nil && slices.Contains(job.OfControl(), m.Fault.Code):
		return refusedNews
	}
	return unknownNews
}

// maxAttribute bounds an attribute's value, in bytes: filter policies compare no
// more. Source: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
const maxAttribute = 256

// attributes are what subscribers filter by. None is empty: SNS takes no empty
// ones.
func attributes(m job.Message) map[string]string {
	a := map[string]string{"state": string(m.State), "job": m.Job, "dir": m.Name.Dir}
	if m.Fault != nil {
		a["code"] = m.Fault.Code
	}
	if job.OfRow(m.Row) && m.State != job.Held && !orphan(m) {
		// The manifest's own messages are for people; a mail for each of its thousands
		// of rows is not. What needs a person is, and what was charged in vain.
		a["digest"] = "row"
	}
	for k, v := range a {
		v = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, v)
		if a[k] = strings.ToValidUTF8(v[:min(len(v), maxAttribute)], ""); a[k] == "" {
			delete(a, k)
		}
	}
	return a
}
