package ring

// DefaultConcurrentMoves is how many partitions of a table with so many should be on their way at once when nobody says otherwise: a sixteenth, but at least
// 32, so that a small table moves at once and a large one in some sixteen rounds, however large the change.
func DefaultConcurrentMoves(partitions int) int { return max(32, partitions/16) }

// Pace decides which moves may begin. pending lists those that wait, by the number of the member that has to hand over; underway[m] counts the moves that member m
// has begun and not ended, owned[m] the partitions it owns, those included. The result lists indexes into pending, in order.
//
// No more than limit moves are under way in all, and no more than half of what a member owns, rounded up: a member that hands over must still have the capacity to
// serve the rest. A limit below 1 counts as 1, so that every change ends. Moves of what nobody owns need no pacing and are not to be asked about.
func Pace(pending []int, underway, owned []int, limit int) (begin []int) {
	limit = max(1, limit)
	total := 0
	mine := make([]int, len(underway))
	for m, n := range underway {
		mine[m] = n
		total += n
	}
	for i, m := range pending {
		if total >= limit {
			break
		}
		if mine[m] < (owned[m]+1)/2 {
			mine[m]++
			total++
			begin = append(begin, i)
		}
	}
	return begin
}
