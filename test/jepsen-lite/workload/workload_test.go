package workload

import (
	"testing"
	"time"
)

func TestAnActorWaitsAsLongAsItIsTold(t *testing.T) {
	for told, want := range map[time.Duration]time.Duration{0: DefaultPatience, time.Second: time.Second} {
		actor := &Actor{Surroundings: &Surroundings{Patience: told}}
		ctx, cancel := actor.limited()
		deadline, bounded := ctx.Deadline()
		if left := time.Until(deadline); !bounded || left > want || left < want/2 {
			t.Errorf("told %v, it waits for %v more, want %v", told, left, want)
		}
		cancel()
	}
}
