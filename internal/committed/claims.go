package committed

import "encoding/json"

// claim is what an acquire of a semaphore asked for.
type claim struct {
	Permits int `json:"permits"`
	Limit   int `json:"limit"`
}

// acquire is what is read of a command that acquires, alone or under a number.
type acquire struct {
	Kind string `json:"kind"`
	claim
	Command *acquire        `json:"command"`
	Reply   json.RawMessage `json:"reply"`
}

// learnClaims notes which permits the acquires of an entry asked for. A command that cannot be read tells nothing.
func (j *judge) learnClaims(entry Entry) {
	for _, raw := range entry.Commands {
		var one acquire
		if json.Unmarshal(raw, &one) != nil {
			continue
		}
		asked := one.claim
		if one.Command != nil {
			asked = one.Command.claim
		}
		var reply struct {
			Waiter string `json:"waiter"`
		}
		if asked.Limit > 0 && json.Unmarshal(one.Reply, &reply) == nil && reply.Waiter != "" {
			j.claims[reply.Waiter] = asked
		}
	}
}
