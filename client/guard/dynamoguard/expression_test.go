package dynamoguard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/dynamoguard"
)

func fence(t *testing.T, token uint64) guard.Fence {
	t.Helper()
	made, err := guard.New("job", token)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// DynamoDB refuses a request that defines a placeholder and does not use it, or the other way round.
func TestPlaceholdersAreDefinedAndUsed(t *testing.T) {
	for name, make := range map[string]func(guard.Fence) (dynamoguard.Expression, error){
		"Enter": dynamoguard.Enter, "Entered": dynamoguard.Entered,
		"NotOlder": func(f guard.Fence) (dynamoguard.Expression, error) { return dynamoguard.NotOlder(f, "owner_token") },
	} {
		expression, err := make(fence(t, 34))
		if err != nil {
			t.Fatal(err)
		}
		used := map[string]bool{}
		for _, word := range strings.FieldsFunc(expression.Condition+" "+expression.Update, func(r rune) bool { return strings.ContainsRune(" (),=<", r) }) {
			used[word] = strings.HasPrefix(word, "#") || strings.HasPrefix(word, ":")
		}
		defined := 0
		for word, is := range used {
			if _, known := expression.Names[word]; is && !known && expression.Values[word].N == "" {
				t.Errorf("%s: %s is used and not defined", name, word)
			} else if is {
				defined++
			}
		}
		if defined != len(expression.Names)+len(expression.Values) {
			t.Errorf("%s: %d placeholders are used of %v and %v", name, defined, expression.Names, expression.Values)
		}
		if expression.Values[":fence_token"].N != "34" {
			t.Errorf("%s: the token is %v", name, expression.Values)
		}
		if _, err := make(guard.Fence{}); !errors.Is(err, guard.ErrInvalid) {
			t.Errorf("%s of no fence: %v", name, err)
		}
	}
	for _, attribute := range []string{"", strings.Repeat("x", 256)} {
		if _, err := dynamoguard.NotOlder(fence(t, 1), attribute); err == nil {
			t.Errorf("an attribute's name of %d bytes was taken", len(attribute))
		}
	}
}

func TestRefusedSaysWhy(t *testing.T) {
	var stale *guard.StaleError
	if err := dynamoguard.Refused(fence(t, 33), "34"); !errors.As(err, &stale) || stale.Newest != 34 {
		t.Errorf("after a newer token: %v", err)
	}
	for _, found := range []string{"", "32"} {
		var not *guard.NotEnteredError
		if err := dynamoguard.Refused(fence(t, 33), found); !errors.As(err, &not) {
			t.Errorf("with %q: %v", found, err)
		}
	}
	for _, found := range []string{"33", "12.5", "x"} {
		if err := dynamoguard.Refused(fence(t, 33), found); err == nil || errors.Is(err, guard.ErrStale) {
			t.Errorf("with %q: %v", found, err)
		}
	}
}
