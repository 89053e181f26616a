// Package dynamoguard writes the condition expressions that refuse stale tokens in DynamoDB, as plain values: it links no AWS SDK. Each part of an [Expression] goes into the field of the
// same name of the SDK's input, a [Value] into an attribute value of type N or S.
//
// DynamoDB reads and writes in requests of their own, so there is no transaction that could lock a mark while its holder reads and decides. The way that is right is "equals current":
//
//  1. Once, when the lock was granted, the holder enters: an UpdateItem of the lock's mark with [Enter]. From then on every older token is refused.
//  2. It reads what it decides by, with ConsistentRead. Nobody with an older token changes that any more.
//  3. It writes with TransactWriteItems, one of whose items is a ConditionCheck of the mark with [Entered]. If the lock has passed on and its new holder has entered, nothing is written.
//
// [NotOlder] is the condition for an item that carries its own token, where the lock protects exactly this item. The condition is evaluated where the data is, so it also holds for requests that were
// under way for long.
//
// It needs one region: tables that are written in several regions and merged later have no order that a condition could rest on. Global secondary indexes are always read late, so
// no decision may rest on them.
package dynamoguard
