package databases

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/dynamoguard"
	"github.com/coordd/coordd/client/guard/s3guard"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/guard/servers"
)

// moto is where the emulator answers, and why there is none.
var moto struct{ url, skip string }

func startMoto(ctx context.Context, group *process.Group, _ string) error {
	server, err := servers.StartMoto(ctx, group, "..")
	if moto.skip, err = skipped(err); server != nil {
		moto.url = "http://" + server.Address
	}
	return err
}

func awsConfig(t *testing.T) aws.Config {
	t.Helper()
	if moto.skip != "" {
		t.Skip(moto.skip)
	}
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(moto.url), Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")}
}

// table is a DynamoDB table with marks and items in it.
type table struct {
	*testing.T
	db *dynamodb.Client
}

func openTable(t *testing.T) table {
	t.Helper()
	db := dynamodb.NewFromConfig(awsConfig(t))
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(t.Name()), BillingMode: dynamo.BillingModePayPerRequest,
		AttributeDefinitions: []dynamo.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamo.ScalarAttributeTypeS}},
		KeySchema:            []dynamo.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamo.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return table{t, db}
}

func key(id string) map[string]dynamo.AttributeValue {
	return map[string]dynamo.AttributeValue{"id": &dynamo.AttributeValueMemberS{Value: id}}
}

// values turns a guard's values into the SDK's.
func values(from map[string]dynamoguard.Value) map[string]dynamo.AttributeValue {
	to := map[string]dynamo.AttributeValue{}
	for name, value := range from {
		to[name] = &dynamo.AttributeValueMemberN{Value: value.N}
	}
	return to
}

func number(item map[string]dynamo.AttributeValue, attribute string) string {
	value, ok := item[attribute].(*dynamo.AttributeValueMemberN)
	if !ok {
		return ""
	}
	return value.Value
}

// enter is the first step.
func (t table) enter(token uint64) error {
	t.Helper()
	by := fence(t, "job", token)
	entry, err := dynamoguard.Enter(by)
	if err != nil {
		t.Fatal(err)
	}
	_, err = t.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(t.Name()), Key: key("mark of " + by.Lock()),
		UpdateExpression: aws.String(entry.Update), ConditionExpression: aws.String(entry.Condition),
		ExpressionAttributeNames: entry.Names, ExpressionAttributeValues: values(entry.Values),
		ReturnValuesOnConditionCheckFailure: dynamo.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *dynamo.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return dynamoguard.Refused(by, number(failed.Item, dynamoguard.TokenAttribute))
	}
	return err
}

// write is the third step: two items and the check of the mark.
func (t table) write(token uint64, balance string) error {
	t.Helper()
	by := fence(t, "job", token)
	check, err := dynamoguard.Entered(by)
	if err != nil {
		t.Fatal(err)
	}
	items := []dynamo.TransactWriteItem{{ConditionCheck: &dynamo.ConditionCheck{
		TableName: aws.String(t.Name()), Key: key("mark of " + by.Lock()), ConditionExpression: aws.String(check.Condition),
		ExpressionAttributeNames: check.Names, ExpressionAttributeValues: values(check.Values),
		ReturnValuesOnConditionCheckFailure: dynamo.ReturnValuesOnConditionCheckFailureAllOld,
	}}}
	for _, id := range []string{"one", "two"} {
		item := key(id)
		item["balance"] = &dynamo.AttributeValueMemberN{Value: balance}
		items = append(items, dynamo.TransactWriteItem{Put: &dynamo.Put{TableName: aws.String(t.Name()), Item: item}})
	}
	_, err = t.db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
	var cancelled *dynamo.TransactionCanceledException
	if errors.As(err, &cancelled) && aws.ToString(cancelled.CancellationReasons[0].Code) == "ConditionalCheckFailed" {
		return dynamoguard.Refused(by, number(cancelled.CancellationReasons[0].Item, dynamoguard.TokenAttribute))
	}
	return err
}

func (t table) balance(id string) string {
	t.Helper()
	got, err := t.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(t.Name()), Key: key(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return number(got.Item, "balance")
}

func TestDynamoDBRefusesWhoHasNotEnteredOrIsStale(t *testing.T) {
	table := openTable(t)
	var not *guard.NotEnteredError
	if err := table.write(33, "1"); !errors.As(err, &not) {
		t.Fatalf("nobody has entered: %v", err)
	}
	if err := errors.Join(table.enter(33), table.write(33, "33"), table.enter(33), table.write(33, "33"), table.enter(34)); err != nil {
		t.Fatal(err)
	}
	var stale *guard.StaleError
	if err := table.write(33, "99"); !errors.As(err, &stale) || stale.Newest != 34 {
		t.Errorf("a write after the successor entered: %v", err)
	}
	if err := table.enter(33); !errors.As(err, &stale) || stale.Newest != 34 {
		t.Errorf("entering after the successor: %v", err)
	}
	if one, two := table.balance("one"), table.balance("two"); one != "33" || two != "33" {
		t.Errorf("the items have %s and %s", one, two)
	}
	if err := table.write(34, "34"); err != nil || table.balance("two") != "34" {
		t.Errorf("the current holder: %v", err)
	}
}

// A token of 19 digits is compared as the number that it is.
func TestDynamoDBComparesGreatTokensExactly(t *testing.T) {
	table := openTable(t)
	if err := errors.Join(table.enter(guard.MaxToken-1), table.enter(guard.MaxToken)); err != nil {
		t.Fatal(err)
	}
	if err := table.enter(guard.MaxToken - 1); !errors.Is(err, guard.ErrStale) {
		t.Errorf("got %v", err)
	}
}

// bucket is an S3 bucket with one guarded object in it.
type bucket struct {
	*testing.T
	store *s3.Client
}

func openBucket(t *testing.T) bucket {
	t.Helper()
	store := s3.NewFromConfig(awsConfig(t), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("guarded")}); err != nil {
		t.Fatal(err)
	}
	return bucket{t, store}
}

func (b bucket) read() s3guard.Object {
	b.Helper()
	got, err := b.store.GetObject(b.Context(), &s3.GetObjectInput{Bucket: aws.String("guarded"), Key: aws.String(b.Name())})
	if code(err) == "NoSuchKey" {
		return s3guard.Absent
	}
	if err != nil {
		b.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		b.Fatal(err)
	}
	object, err := s3guard.Open(aws.ToString(got.ETag), body)
	if err != nil {
		b.Fatal(err)
	}
	return object
}

func (b bucket) put(put s3guard.Put, err error) error {
	b.Helper()
	if err != nil {
		return err
	}
	input := &s3.PutObjectInput{Bucket: aws.String("guarded"), Key: aws.String(b.Name()), Body: bytes.NewReader(put.Body)}
	if put.IfMatch != "" {
		input.IfMatch = aws.String(put.IfMatch)
	}
	if put.IfNoneMatch != "" {
		input.IfNoneMatch = aws.String(put.IfNoneMatch)
	}
	_, err = b.store.PutObject(b.Context(), input)
	return err
}

func code(err error) string {
	var answered smithy.APIError
	if errors.As(err, &answered) {
		return answered.ErrorCode()
	}
	return ""
}

func TestS3RefusesAWriterWhoReadBeforeItsSuccessorWrote(t *testing.T) {
	b := openBucket(t)
	stale33 := b.read()
	if err := b.put(stale33.Next(fence(t, "job", 33), []byte("first"))); err != nil {
		t.Fatal(err)
	}
	if err := b.put(stale33.Next(fence(t, "job", 33), []byte("second"))); code(err) != "PreconditionFailed" {
		t.Errorf("a second first write: %v", err)
	}
	// The holder of 33 reads and stops. Its successor enters, which leaves the content as it is.
	stale33 = b.read()
	if err := b.put(b.read().Enter(fence(t, "job", 34))); err != nil {
		t.Fatal(err)
	}
	if err := b.put(stale33.Next(fence(t, "job", 33), []byte("late"))); code(err) != "PreconditionFailed" {
		t.Errorf("the late write: %v", err)
	}
	if err := b.put(b.read().Next(fence(t, "job", 33), []byte("late"))); !errors.Is(err, guard.ErrStale) {
		t.Errorf("the late write after reading again: %v", err)
	}
	if got := b.read(); string(got.Content) != "first" || got.Token != 34 {
		t.Errorf("the object is %q under %d", got.Content, got.Token)
	}
}

// This is the trap that s3guard avoids: with the token in the metadata the ETag stays the same, and the late write passes.
func TestS3MetadataIsNoPlaceForAToken(t *testing.T) {
	b := openBucket(t)
	write := func(token, content, etag string) (string, error) {
		input := &s3.PutObjectInput{Bucket: aws.String("guarded"), Key: aws.String(b.Name()), Body: bytes.NewReader([]byte(content)), Metadata: map[string]string{"fence": token}}
		if etag != "" {
			input.IfMatch = aws.String(etag)
		}
		put, err := b.store.PutObject(b.Context(), input)
		if err != nil {
			return "", err
		}
		return aws.ToString(put.ETag), nil
	}
	seenBy33, err := write("32", "content", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write("34", "content", seenBy33); err != nil {
		t.Fatal(err)
	}
	if _, err := write("33", "late", seenBy33); err != nil {
		t.Errorf("the late write was refused (%v); then the documentation of s3guard is wrong", err)
	}
}
