// Package ring says who owns a key. It is pure: a table is a value, and the next table is a function of the last one and of the members.
//
// A key belongs to one of P partitions, for ever: the high half of xxhash64(key) * P. A partition belongs to one member, by a table. So a lookup is a hash
// and an array read, takes no lock and allocates nothing, however many members there are.
//
//	key ── xxhash64, multiply-high ──► partition ── table ──► member
//
// The table is sticky. [Table.Next] takes the members that there are now and changes as few partitions as any table could in which every member
// has its share: a member that leaves moves what it had, a member that joins receives its share, and nothing else moves. No member holds more than its
// weighted share rounded up, or less than it rounded down; for equal weights the fullest is within 5 % of the mean from P = 20 * N on.
//
// The price is that a table depends on what came before, so who needs the same table must be sent it ([Table.AppendBinary], [Decode]) or must run the same
// changes in the same order. coordd's replicas do the latter: the table lives in the state machine. [New] is for those who need neither: it places members from
// nothing, and every program that calls it with the same members gets the same table.
//
// Where to begin: [New] and [Table.Owner] for a ring in a program of your own, [Table.Next] and [Diff] to change it, [Table.Explain] to see why a key is where it
// is. Members may have weights and zones ([Zones]), partitions may be pinned ([Pin]), and [Pace] says which moves may begin when not all of them should at
// once. DESIGN.md beside this file has the algorithm, its measured figures, and the roads not taken.
package ring
