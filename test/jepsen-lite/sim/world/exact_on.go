//go:build coordd_exact

package world

import _ "unsafe" // for linkname

// chooseBySeed lets the runtime's choices in bubbles come from a seeded source, or with 0 from chance again. See package exact.
//
//go:linkname chooseBySeed runtime.coorddChooseBySeed
func chooseBySeed(seed uint64)
