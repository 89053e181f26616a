package script_test

import (
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/script"
)

type sameToken struct{}

func (sameToken) Call([][]byte) command.Reply { return command.Bulk([]byte("tok")) }

// BenchmarkCompareAndDelete is what a machine spends on one unlock script besides the commands themselves.
func BenchmarkCompareAndDelete(b *testing.B) {
	encoded := compareAndDelete().Encode()
	keys, arguments := [][]byte{[]byte("k")}, [][]byte{[]byte("tok")}
	b.ReportAllocs()
	for b.Loop() {
		program, err := script.Decode(encoded)
		if err != nil {
			b.Fatal(err)
		}
		script.Run(program, keys, arguments, sameToken{}, script.DefaultBudget)
	}
}
