package services

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"emodrop/local/aws/wire"
)

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const (
	maxEntries   = 10
	maxEventSize = 256 << 10 // one entry (ASSUMED: the older, stricter limit of the two published)
	maxTotalSize = 1 << 20   // all entries of a request
)

// EventBridge answers PutEvents on the default bus. Use NewEventBridge.
type EventBridge struct {
	Faults
	ledger *Ledger
}

// NewEventBridge returns an EventBridge that keeps its events in the ledger.
func NewEventBridge(ledger *Ledger) *EventBridge { return &EventBridge{ledger: ledger} }

type eventEntry struct {
	Source, DetailType, Detail, EventBusName string
	Time                                     *float64
	Resources                                []string
}

// size is what counts against the limits.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
func (e eventEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

type eventResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (s *EventBridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.failed(w, r, wire.JSON) {
		return
	}
	if err := s.putEvents(w, r); err != nil {
		writeError(w, r, wire.JSON, err)
	}
}

func (s *EventBridge) putEvents(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Entries []eventEntry }
	if err := readJSON(r, "AWSEvents.PutEvents", &in); err != nil {
		return err
	}
	if n := len(in.Entries); n < 1 || n > maxEntries {
		return badRequest("ValidationException",
			"%d validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", 1, maxEntries)
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
		if e.size() > maxEventSize {
			return badRequest("ValidationException", "Total size of the entries in the request is over the limit.")
		}
	}
	if total > maxTotalSize {
		return badRequest("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	out := struct {
		FailedEntryCount int
		Entries          []eventResult
	}{Entries: make([]eventResult, len(in.Entries))}
	for i, e := range in.Entries {
		result, err := s.put(e)
		if err != nil {
			return err
		}
		if result.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries[i] = result
	}
	return writeJSON(w, out)
}

// put takes one entry. A bad entry fails alone: the others of the request are taken.
func (s *EventBridge) put(e eventEntry) (eventResult, error) {
	missing := func(name string) (eventResult, error) {
		return eventResult{ErrorCode: "InvalidArgument",
			ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", name, name)}, nil
	}
	switch {
	case e.Source == "":
		return missing("Source")
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return eventResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}, nil
	case len(e.DetailType) > 128:
		return eventResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter DetailType is not valid. Reason: it is longer than 128 characters."}, nil
	case !isJSONObject(e.Detail):
		return eventResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}, nil
	case e.EventBusName != "" && e.EventBusName != "default" && !strings.HasSuffix(e.EventBusName, ":event-bus/default"):
		return eventResult{ErrorCode: "ResourceNotFoundException", ErrorMessage: "Event bus " + e.EventBusName + " does not exist."}, nil
	}
	at := time.Now().UTC()
	if e.Time != nil {
		at = time.UnixMilli(int64(*e.Time * 1000)).UTC()
	}
	var detail bytes.Buffer // compact, as the ledger's file gives it back
	if err := json.Compact(&detail, []byte(e.Detail)); err != nil {
		return eventResult{}, fmt.Errorf("compact an event's detail: %w", err)
	}
	id := wire.RequestID()
	err := s.ledger.add(Published{
		ID: id, Time: at, Kind: KindEvent, Source: e.Source, DetailType: e.DetailType,
		Detail: detail.Bytes(), Resources: e.Resources,
	})
	return eventResult{EventID: id}, err
}

func isJSONObject(text string) bool {
	raw := bytes.TrimSpace([]byte(text))
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}
