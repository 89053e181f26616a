package inspect

import (
	"fmt"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// ReplyValue tells a reply as JSON: null, a number, a string, a list, an object; a status is {"status": "OK"}, an error {"error": "…"}, and a command
// that the machine did not run, so that its leader proposes it anew, {"again": true}.
func ReplyValue(reply command.Reply) any {
	switch reply.Type {
	case command.ReplyInteger:
		return reply.Integer
	case command.ReplyBulk:
		return Text(reply.Text)
	case command.ReplyStatus:
		return Fields{{"status", Text(reply.Text)}}
	case command.ReplyError:
		return Fields{{"error", Text(reply.Text)}}
	case command.ReplyAgain:
		return Fields{{"again", true}}
	case command.ReplyArray:
		list := make([]any, len(reply.Elements))
		for i, element := range reply.Elements {
			list[i] = ReplyValue(element)
		}
		return list
	case command.ReplyMap:
		fields := Fields{}
		for i := 0; i+1 < len(reply.Elements); i += 2 {
			fields = append(fields, Field{string(reply.Elements[i].Text), ReplyValue(reply.Elements[i+1])})
		}
		return fields
	}
	return nil
}

// EventValue tells an event. The members that make no sense for its type are left out, name and database never for an ownership.
func EventValue(event fsm.Event) Fields {
	fields := Fields{{"type", event.Type.String()}}
	switch event.Type {
	case fsm.EventSessionEnded, fsm.EventSessionKilled:
	case fsm.EventPoolChanged, fsm.EventPoolWorker:
		fields = append(fields, poolEvent(event)...)
	default:
		fields = append(fields, nameFields(event.Name)...)
	}
	if event.Token != 0 {
		fields = append(fields, Field{"token", event.Token})
	}
	switch event.Type {
	case fsm.EventBegan, fsm.EventEnded, fsm.EventWaiterGranted:
		fields = append(fields, Field{"holder", Text(event.Holder)})
	}
	if event.Reason != "" {
		fields = append(fields, Field{"reason", event.Reason})
	}
	if !event.Waiter.IsZero() {
		fields = append(fields, Field{"waiter", event.Waiter.String()})
	}
	if !event.Session.IsZero() {
		fields = append(fields, Field{"session", event.Session.String()})
	}
	if event.Deadline != 0 {
		fields = append(fields, Field{"deadline_ms", event.Deadline})
	}
	return append(fields, holdEventFields(event)...)
}

// holdEventFields are what events of native holds tell besides.
func holdEventFields(event fsm.Event) (fields Fields) {
	for _, text := range []struct{ name, value string }{
		{"mode", event.Mode}, {"owner", event.Owner}, {"metadata", string(event.Metadata)}, {"actor", event.Actor}, {"why", event.Why},
	} {
		if text.value != "" {
			fields = append(fields, Field{text.name, Text(text.value)})
		}
	}
	return fields
}

// requestText is session/number, or nothing for the leader's own housekeeping.
func requestText(request command.Request) string {
	if request.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s/%d", request.Session, request.Number)
}
