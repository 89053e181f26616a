package inspect

import (
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// describeKey tells the ops on strings and keys.
func describeKey(op command.Op) Fields {
	switch o := op.(type) {
	case command.Set:
		fields := append(nameFields(o.Name), Field{"value", Text(o.Value)})
		return append(append(fields, conditionFields(o.Condition, o.Operand)...), expiryFields(o.Expiry)...)
	case command.Get:
		return nameFields(o.Name)
	case command.GetDelete:
		return nameFields(o.Name)
	case command.GetExpire:
		return append(nameFields(o.Name), expiryFields(o.Expiry)...)
	case command.GetRefused:
		return append(nameFields(o.Name), Field{"refusal", o.Text})
	case command.GetRange:
		return append(nameFields(o.Name), Field{"start", o.Start}, Field{"end", o.End})
	case command.Length:
		return nameFields(o.Name)
	case command.MultiGet:
		return severalNames(o.Names)
	case command.MultiSet:
		return Fields{{"pairs", pairs(o.Pairs)}, {"if_absent", o.IfAbsent}}
	case command.Increment:
		return append(nameFields(o.Name), Field{"delta", o.Delta})
	case command.IncrementBy:
		return append(nameFields(o.Name), Field{"delta", o.Delta})
	case command.Delete:
		return severalNames(o.Names)
	case command.DeleteIf:
		return append(nameFields(o.Name), conditionFields(o.Condition, o.Operand)...)
	case command.ExpireKey:
		fields := append(nameFields(o.Name), expiryFields(o.Expiry)...)
		return append(fields, Field{"conditions", conditionNames(o.Conditions)})
	case command.Persist:
		return nameFields(o.Name)
	}
	return describeLook(op)
}

// describeLook tells the ops that only look; they stand in the log when they came in a transaction that writes.
func describeLook(op command.Op) Fields {
	switch o := op.(type) {
	case command.Exists:
		return severalNames(o.Names)
	case command.Type:
		return nameFields(o.Name)
	case command.TimeToLive:
		return append(nameFields(o.Name), Field{"form", int(o.Form)})
	case command.Scan:
		return Fields{{"database", o.Database}, {"cursor", o.Cursor}, {"match", Text(o.Match)}, {"count", o.Count}}
	case command.Keys:
		return Fields{{"database", o.Database}, {"match", Text(o.Match)}}
	case command.DatabaseSize:
		return Fields{{"database", o.Database}}
	case command.Fence:
		fields := nameFields(o.Name)
		if o.HasValue {
			fields = append(fields, Field{"value", Text(o.Value)})
		}
		return fields
	case command.Revisions:
		return severalNames(o.Names)
	}
	return nil
}

// severalNames lists names. A single one is told as the other ops tell theirs, so that most readers need no second case.
func severalNames(names []command.Name) Fields {
	if len(names) == 1 {
		return nameFields(names[0])
	}
	list := make([]Fields, len(names))
	for i, name := range names {
		list[i] = nameFields(name)
	}
	return Fields{{"names", list}}
}

func pairs(list []command.Pair) []Fields {
	out := make([]Fields, len(list))
	for i, pair := range list {
		out[i] = append(nameFields(pair.Name), Field{"value", Text(pair.Value)})
	}
	return out
}

// conditions by their numbers in the log.
var conditions = []string{
	command.Always: "always", command.IfAbsent: "if_absent", command.IfPresent: "if_present", command.IfEqual: "if_equal", command.IfNotEqual: "if_not_equal",
	command.IfNoExpiry: "if_no_expiry", command.IfExpiry: "if_expiry", command.IfGreater: "if_greater", command.IfLess: "if_less",
}

func conditionName(condition command.Condition) string {
	if int(condition) < len(conditions) {
		return conditions[condition]
	}
	return "condition_" + strconv.Itoa(int(condition))
}

func conditionNames(list []command.Condition) []string {
	names := make([]string, len(list))
	for i, condition := range list {
		names[i] = conditionName(condition)
	}
	return names
}

func conditionFields(condition command.Condition, operand []byte) Fields {
	fields := Fields{{"condition", conditionName(condition)}}
	if condition == command.IfEqual || condition == command.IfNotEqual {
		fields = append(fields, Field{"operand", Text(operand)})
	}
	return fields
}

// expiryFields tells a deadline: ttl_ms counts from the entry's instant, unix_ms is wall time; keep_ttl leaves the one before.
func expiryFields(expiry command.Expiry) Fields {
	switch expiry.Mode {
	case command.ExpiryRelative:
		return Fields{{"ttl_ms", expiry.Milliseconds}}
	case command.ExpiryAbsolute:
		return Fields{{"unix_ms", expiry.Milliseconds}}
	case command.ExpiryKeep:
		return Fields{{"keep_ttl", true}}
	}
	return nil
}
