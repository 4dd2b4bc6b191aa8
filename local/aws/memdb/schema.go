package memdb

import "time"

// schema is what CreateTable takes and DescribeTable tells.
type schema struct {
	TableName              string
	BillingMode            string
	KeySchema              []keyElement
	AttributeDefinitions   []definition
	GlobalSecondaryIndexes []struct {
		IndexName  string
		KeySchema  []keyElement
		Projection struct{ ProjectionType string }
	}
}

type keyElement struct{ AttributeName, KeyType string }

type definition struct{ AttributeName, AttributeType string }

// open makes a table of a schema, or says what of it memdb cannot be.
func (in schema) open(lag time.Duration, now time.Time) (*table, error) {
	kinds, used := map[string]string{}, map[string]bool{}
	for _, d := range in.AttributeDefinitions {
		kinds[d.AttributeName] = d.AttributeType
	}
	// keys reads a key schema of these types, the first always a string.
	keys := func(elements []keyElement, types ...string) ([]string, error) {
		if len(elements) != len(types) {
			return nil, unknown("a key of %d attributes here", len(elements))
		}
		names := make([]string, len(types))
		for i, k := range elements {
			kind := kinds[k.AttributeName]
			if k.KeyType != types[i] || kind != "S" && (i == 0 || kind != "N") {
				return nil, unknown("the key %s of type %q as %s", k.AttributeName, kind, k.KeyType)
			}
			names[i], used[k.AttributeName] = k.AttributeName, true
		}
		return names, nil
	}
	if len(in.TableName) < 3 || len(in.TableName) > 255 {
		return nil, invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	if in.BillingMode != "PAY_PER_REQUEST" {
		return nil, unknown("the billing mode %q", in.BillingMode)
	}
	key, err := keys(in.KeySchema, "HASH")
	if err != nil {
		return nil, err
	}
	t := &table{name: in.TableName, key: key[0], items: map[string]stored{}, made: now, schema: in}
	for _, ix := range in.GlobalSecondaryIndexes {
		if ix.Projection.ProjectionType != "KEYS_ONLY" {
			return nil, unknown("the projection %q", ix.Projection.ProjectionType)
		}
		names, err := keys(ix.KeySchema, "HASH", "RANGE")
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, &index{name: ix.IndexName, hash: names[0], rang: names[1], numeric: kinds[names[1]] == "N",
			table: t, lag: lag, parts: map[text]*ordered[entry]{}})
	}
	if len(used) != len(kinds) || len(kinds) != len(in.AttributeDefinitions) {
		return nil, invalid("One or more parameter values were invalid: Some AttributeDefinitions are not used or given twice")
	}
	return t, nil
}

func (t *table) describe() any {
	type gsi struct {
		IndexName, IndexStatus string
		KeySchema              []keyElement
		Projection             struct{ ProjectionType string }
	}
	out := struct {
		TableName, TableStatus, TableArn string
		KeySchema                        []keyElement
		AttributeDefinitions             []definition
		BillingModeSummary               struct{ BillingMode string }
		CreationDateTime                 float64
		ItemCount                        int
		GlobalSecondaryIndexes           []gsi `json:",omitempty"`
	}{TableName: t.name, TableStatus: "ACTIVE", TableArn: "arn:aws:dynamodb:local:000000000000:table/" + t.name, KeySchema: t.schema.KeySchema,
		AttributeDefinitions: t.schema.AttributeDefinitions, CreationDateTime: float64(t.made.UnixMilli()) / 1000, ItemCount: len(t.items)}
	out.BillingModeSummary.BillingMode = t.schema.BillingMode
	for _, ix := range t.schema.GlobalSecondaryIndexes {
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, gsi{ix.IndexName, "ACTIVE", ix.KeySchema, ix.Projection})
	}
	return out
}

type createTable struct{ schema }

func (s *Server) createTable(body []byte) (call, error) {
	var c createTable
	if err := decode(body, &c.schema); err != nil {
		return nil, err
	}
	_, err := c.open(0, time.Time{})
	return c, err
}

func (c createTable) keys() []string { return []string{c.TableName} }

func (c createTable) run(s *Server, now time.Time) (any, Usage, error) {
	if s.tables[c.TableName] != nil {
		return nil, nil, refuse("ResourceInUseException", "Table already exists: %s", c.TableName)
	}
	t, err := c.open(s.cfg.IndexLag, now)
	if err != nil {
		return nil, nil, err
	}
	s.tables[c.TableName] = t
	return map[string]any{"TableDescription": t.describe()}, nil, nil
}

type describeTable struct{ t *table }

func (s *Server) describeTable(body []byte) (call, error) {
	var in struct{ TableName string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	t, err := s.table(in.TableName)
	return describeTable{t}, err
}

func (c describeTable) keys() []string { return []string{c.t.name} }

func (c describeTable) run(*Server, time.Time) (any, Usage, error) {
	return map[string]any{"Table": c.t.describe()}, nil, nil
}
