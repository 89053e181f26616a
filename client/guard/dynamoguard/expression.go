package dynamoguard

import (
	"fmt"

	"github.com/coordd/coordd/client/guard"
)

// The names of the attributes of a mark. The key is whatever the table's key is called; its value is the lock's name.
const (
	TokenAttribute = "fence"    // number: the newest token that entered
	CountAttribute = "advances" // number: how often somebody entered
)

// Expression is what goes into a request. Condition and Update refer to attributes and values by the placeholders in Names and Values.
type Expression struct {
	Condition string            // ConditionExpression
	Update    string            // UpdateExpression; empty unless the expression is for an update
	Names     map[string]string // ExpressionAttributeNames
	Values    map[string]Value  // ExpressionAttributeValues
}

// Value is an attribute value: a number in decimal digits, which is the type N.
type Value struct{ N string }

// Enter is an UpdateItem of a lock's mark, by the rule "not older than seen". The item comes into being with the lock's first holder.
func Enter(fence guard.Fence) (Expression, error) {
	expression, err := NotOlder(fence, TokenAttribute)
	if err != nil {
		return Expression{}, err
	}
	expression.Update = "SET #fence_token = :fence_token ADD #fence_count :fence_one"
	expression.Names["#fence_count"] = CountAttribute
	expression.Values[":fence_one"] = Value{N: "1"}
	return expression, nil
}

// Entered is a ConditionCheck of a lock's mark, by the rule "equals current": the fence's holder has entered, and nobody after it.
func Entered(fence guard.Fence) (Expression, error) { return Equals(fence, TokenAttribute) }

// NotOlder is the condition for an item that keeps the newest token in an attribute of its own: no newer token has written it. An item that is not there, or was never guarded, passes. The request must
// also set the attribute to ":fence_token".
func NotOlder(fence guard.Fence, attribute string) (Expression, error) {
	return condition(fence, attribute, "(attribute_not_exists(#fence_token) OR #fence_token <= :fence_token)")
}

// Equals is the condition for an item that keeps a token in an attribute of its own: it is exactly the fence's.
func Equals(fence guard.Fence, attribute string) (Expression, error) {
	return condition(fence, attribute, "#fence_token = :fence_token")
}

func condition(fence guard.Fence, attribute, text string) (Expression, error) {
	if err := fence.Validate(); err != nil {
		return Expression{}, err
	}
	if attribute == "" || len(attribute) > 255 {
		return Expression{}, fmt.Errorf("an attribute's name has 1 to 255 bytes, not %d", len(attribute))
	}
	return Expression{
		Condition: text,
		Names:     map[string]string{"#fence_token": attribute},
		Values:    map[string]Value{":fence_token": {N: fence.TokenText()}},
	}, nil
}

// Refused is the error for a condition that failed. found is the number in the item's attribute, which DynamoDB answers when the request asked for it with ReturnValuesOnConditionCheckFailure ALL_OLD; empty
// if it was not asked for or is not there. The result is a *[guard.StaleError], or a *[guard.NotEnteredError] if the token found is older than the fence's.
func Refused(fence guard.Fence, found string) error {
	if found == "" {
		return &guard.NotEnteredError{Fence: fence}
	}
	seen, err := guard.Parse(fence.Lock(), found)
	switch {
	case err != nil:
		return fmt.Errorf("the item's token %.40q: %w", found, err)
	case seen.Token() > fence.Token():
		return &guard.StaleError{Fence: fence, Newest: seen.Token()}
	case seen.Token() == fence.Token():
		return fmt.Errorf("a condition failed that was not about the token: the item has token %d of lock %q", seen.Token(), fence.Lock())
	}
	return &guard.NotEnteredError{Fence: fence, Newest: seen.Token()}
}
