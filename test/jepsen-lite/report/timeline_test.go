package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

func TestTheRowsAreThoseOfAViolationAndEquallyManyOfEachWorkload(t *testing.T) {
	var keys []string
	for number := range 200 {
		keys = append(keys, fmt.Sprintf("admin/%d/0", number), fmt.Sprintf("lock/%d/0", number))
	}
	keys = append(keys, "redis/0/0", "redis/10/0", "redis/2/0")
	page := Page{Results: []check.Result{
		{Violations: []string{"lock \"lock/150/0\" was held twice"}},
		{Pictures: map[string]string{"admin/199/0": ""}},
	}}
	rows := page.rows(keys)
	counts := map[byte]int{}
	for _, row := range rows[2:] {
		counts[row[0]]++
	}
	if len(rows) != mostRows || !slices.Equal(rows[:2], []string{"admin/199/0", "lock/150/0"}) {
		t.Errorf("%d rows, the first %q; want %d, those of the violations first", len(rows), rows[:2], mostRows)
	}
	if want := (mostRows - 2 - 3) / 2; counts['r'] != 3 || counts['a'] < want || counts['l'] < want {
		t.Errorf("of redis, admin and lock %d, %d and %d rows; want 3, and the rest in equal parts", counts['r'], counts['a'], counts['l'])
	}
	if last := rows[len(rows)-3:]; !slices.Equal(last, []string{"redis/0/0", "redis/2/0", "redis/10/0"}) {
		t.Errorf("the last rows are %q, want them in the order of their numbers", last)
	}
}

func TestAllLocksAreDrawnWhereThereIsRoom(t *testing.T) {
	if rows := (Page{}).rows([]string{"b/1", "a/10", "a/9"}); !slices.Equal(rows, []string{"a/9", "a/10", "b/1"}) {
		t.Errorf("rows %q", rows)
	}
}

func TestTimesInWhichTwoCouldCountOnALockAreMarkedWhereThatIsAViolation(t *testing.T) {
	holds := []check.Held{
		{Key: "lock/0", Process: "c1", Holder: "a", From: 1e9, Until: 5e9},
		{Key: "lock/0", Process: "c2", Holder: "b", From: 4e9, Until: 7e9},
		{Key: "lock/0", Process: "c1", Holder: "c", From: 7e9, Until: 8e9},
		{Key: "shared/0", Process: "c1", Holder: "a", Mode: "read", From: 1e9, Until: 5e9},
		{Key: "shared/0", Process: "c2", Holder: "b", Mode: "read", From: 1e9, Until: 5e9},
	}
	page := Page{Holders: holds}
	if drawn := page.timeline(axis{end: 10e9}); strings.Contains(drawn, "twice") {
		t.Error("a time is marked, and no checker found anything")
	}
	page.Results = []check.Result{{Violations: []string{"lock/0: two count on it", "shared/0: something else"}}}
	drawn := page.timeline(axis{end: 10e9})
	if marks := strings.Count(drawn, `class="twice"`); marks != 1 || !strings.Contains(drawn, "lock/0: both c1 and c2 could count on it for 1s") {
		t.Errorf("%d times are marked, want the one of lock/0:\n%s", marks, drawn)
	}
}

func TestClientsAreToldApartByColour(t *testing.T) {
	var page Page
	for _, process := range []string{"c3/lock/0", "c1/lock/0", "c2/lock/1", "c1/redis/1"} {
		page.Holders = append(page.Holders, check.Held{Key: "lock/0", Process: process})
	}
	colours := page.colours()
	seen := map[string]string{}
	for client, colour := range colours {
		if other := seen[colour]; other != "" {
			t.Errorf("%s and %s have the colour %s", client, other, colour)
		}
		seen[colour] = client
	}
	if len(colours) != 3 {
		t.Errorf("colours %v, want one for each of c1, c2 and c3", colours)
	}
}
