package rapidseed

import (
	"flag"

	_ "pgregory.net/rapid" // its flags must be there before one of them is set
)

// seed is any number but zero. It has no meaning.
const seed = "7379"

func init() {
	if err := flag.Set("rapid.seed", seed); err != nil {
		panic("the property tests cannot be given a seed: " + err.Error())
	}
}
