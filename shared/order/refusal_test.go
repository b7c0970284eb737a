package order_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// People and programs read refusals in orders-rejected: a change of their words is a change of the
// contract.
func TestRefusalsSayWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	const (
		bodyStart   = "the message cannot be read, "
		syntaxStart = "the message is not valid JSON, "
		end         = ": write one JSON object."
		wantID      = ": write a string of 1 to 128 characters without control characters."
		wantTime    = ": write a time such as 2024-12-13T10:00:00Z, in the years 1970 to 9999."
		wantItems   = ": write a list of 1 to 1,000 items."
		wantItem    = ": write an object with product_id, quantity and price_per_unit."
		wantWhole   = ": write a whole number from 1 to 1,000,000."
		wantPrice   = ": write a decimal from 0 to 1,000,000,000 with at most 9 decimals."
		wantValue   = ": write a number, or leave the field out."
	)
	second := func(product, quantity, price string) string {
		return with("items", "["+item(`"P"`, "1", "1")+","+item(product, quantity, price)+"]")
	}
	for _, c := range []struct {
		body   string
		reason order.Reason
		field  string
		detail string
	}{
		{"", order.InvalidJSON, "", bodyStart + "it is empty" + end},
		{"\"\xff\"", order.InvalidJSON, "", bodyStart + "it is not UTF-8 text" + end},
		{"[1]", order.InvalidJSON, "", bodyStart + "it is JSON, but not an object" + end},
		{encode("[1]"), order.InvalidJSON, "", bodyStart + "it is JSON, but not an object" + end},
		{
			`"\ud83d"`, order.InvalidJSON, "",
			bodyStart + "the JSON text in its string contains an unpaired surrogate" + end,
		},
		{
			`{"a":1`, order.InvalidJSON, "",
			syntaxStart + "a comma or closing bracket is missing at byte 6" + end,
		},
		{
			encode(`{"a":1`), order.InvalidJSON, "",
			"the JSON text in the message's string is not valid JSON, " +
				"a comma or closing bracket is missing at byte 6" + end,
		},
		{`{"a" 1}`, order.InvalidJSON, "", syntaxStart + "a colon is missing at byte 5" + end},
		{
			`{a:1}`, order.InvalidJSON, "",
			syntaxStart + "a member name in double quotes is missing at byte 1" + end,
		},
		{`{"a":}`, order.InvalidJSON, "", syntaxStart + "a value is missing at byte 5" + end},
		{`{"a":1.}`, order.InvalidJSON, "", syntaxStart + "a number is malformed at byte 7" + end},
		{`{"a":True}`, order.InvalidJSON, "", syntaxStart + "a value is missing at byte 5" + end},
		{`{"a":tru}`, order.InvalidJSON, "", syntaxStart + "a value is not JSON at byte 5" + end},
		{
			`{"a":NaN}`, order.InvalidJSON, "",
			syntaxStart + "a value is not JSON, which knows neither NaN nor Infinity at byte 5" + end,
		},
		{
			"{\"a\":\"\n\"}", order.InvalidJSON, "",
			syntaxStart + "a string contains a control character: escape it at byte 6" + end,
		},
		{
			`{"a":"\x"}`, order.InvalidJSON, "",
			syntaxStart + "an escape in a string is malformed at byte 7" + end,
		},
		{`{"a`, order.InvalidJSON, "", syntaxStart + "a string has no closing quote at byte 3" + end},
		{`{"a":[`, order.InvalidJSON, "", syntaxStart + "a value is missing at byte 6" + end},
		{
			`{"a":{"b":[{"c" 1}]}}`, order.InvalidJSON, "",
			syntaxStart + "a colon is missing at byte 16" + end,
		},
		{
			`{"items":[{"quantity" 1}]}`, order.InvalidJSON, "",
			syntaxStart + "a colon is missing at byte 22" + end,
		},
		{
			strings.Repeat("[", 513), order.InvalidJSON, "",
			syntaxStart + "lists and objects are nested more than 512 deep at byte 512" + end,
		},
		{
			`[1] x`, order.InvalidJSON, "",
			syntaxStart + "more text follows the end of the JSON value at byte 4" + end,
		},
		{
			`{} {}`, order.InvalidJSON, "",
			syntaxStart + "more text follows the end of the JSON value at byte 3" + end,
		},

		{with("order_id", ""), order.MissingField, "order_id", "order_id is missing" + wantID},
		{with("order_id", "null"), order.InvalidField, "order_id", "order_id is null" + wantID},
		{with("order_id", "7"), order.InvalidField, "order_id", "order_id is not a string" + wantID},
		{with("user_id", `""`), order.InvalidField, "user_id", "user_id is empty" + wantID},
		{
			with("user_id", `"\n"`), order.InvalidField, "user_id",
			"user_id contains a control character" + wantID,
		},
		{
			with("user_id", `"\ud83d"`), order.InvalidField, "user_id",
			"user_id contains an unpaired surrogate" + wantID,
		},
		{
			with("user_id", `"`+zeros(129)+`"`), order.InvalidField, "user_id",
			"user_id is longer than 128 characters" + wantID,
		},
		{
			with("order_timestamp", ""), order.MissingField, "order_timestamp",
			"order_timestamp is missing" + wantTime,
		},
		{
			with("order_timestamp", "1"), order.InvalidField, "order_timestamp",
			"order_timestamp is not a string" + wantTime,
		},
		{
			with("order_timestamp", `"2024-02-30"`), order.InvalidField, "order_timestamp",
			"order_timestamp is not a valid date and time" + wantTime,
		},
		{
			with("order_timestamp", `"202a-12-13"`), order.InvalidField, "order_timestamp",
			"order_timestamp is not a valid date and time" + wantTime,
		},
		{
			with("order_timestamp", `"1969-12-31"`), order.InvalidField, "order_timestamp",
			"order_timestamp is outside the years 1970 to 9999 (in UTC)" + wantTime,
		},
		{with("items", ""), order.MissingField, "items", "items is missing" + wantItems},
		{with("items", "{}"), order.InvalidField, "items", "items is not a list" + wantItems},
		{with("items", "[]"), order.InvalidField, "items", "items is empty" + wantItems},
		{
			with("items", manyItems(1001)), order.InvalidField, "items",
			"items contains more than 1,000 items" + wantItems,
		},
		{with("items", "[7]"), order.InvalidField, "items[0]", "items[0] is not an object" + wantItem},
		{
			second("", "1", "1"), order.MissingField, "items[1].product_id",
			"items[1].product_id is missing: write a string of 1 to 128 characters.",
		},
		{
			second(`"P"`, "", "1"), order.MissingField, "items[1].quantity",
			"items[1].quantity is missing" + wantWhole,
		},
		{
			second(`"P"`, "true", "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is not a number" + wantWhole,
		},
		{
			second(`"P"`, `"x"`, "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is a string that is not a decimal number" + wantWhole,
		},
		{
			second(`"P"`, "0", "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is zero" + wantWhole,
		},
		{
			second(`"P"`, "-2", "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is negative" + wantWhole,
		},
		{
			second(`"P"`, "0.5", "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is not a whole number" + wantWhole,
		},
		{
			second(`"P"`, "1000001", "1"), order.InvalidField, "items[1].quantity",
			"items[1].quantity is too large" + wantWhole,
		},
		{
			second(`"P"`, "1", "-1"), order.InvalidField, "items[1].price_per_unit",
			"items[1].price_per_unit is negative" + wantPrice,
		},
		{
			second(`"P"`, "1", "1000000000.01"), order.InvalidField, "items[1].price_per_unit",
			"items[1].price_per_unit is too large" + wantPrice,
		},
		{
			second(`"P"`, "1", "1000000000.0000000001"), order.InvalidField, "items[1].price_per_unit",
			"items[1].price_per_unit is too large" + wantPrice,
		},
		{
			second(`"P"`, "1", "0.0000000001"), order.InvalidField, "items[1].price_per_unit",
			"items[1].price_per_unit has more than 9 decimals" + wantPrice,
		},
		{
			with("order_value", "null"), order.InvalidField, "order_value",
			"order_value is null" + wantValue,
		},
		{
			with("order_value", `"-"`), order.InvalidField, "order_value",
			"order_value is a string that is not a decimal number" + wantValue,
		},
		{
			`{"Type":"Notification","TopicArn":"arn:aws:sns:r:0:t","Message":"{}"}`, order.MissingField,
			"order_id",
			"order_id is missing, because the body is an Amazon SNS notification: " +
				"switch on raw message delivery in the subscription.",
		},
		{
			`{"version":"0","detail-type":"Order","source":"shop","detail":{"order_id":"O"}}`,
			order.MissingField, "order_id",
			"order_id is missing, because the body is an Amazon EventBridge event: " +
				"set the input path of the rule's target to $.detail.",
		},
		{
			encode(`{"specversion":"1.0","id":"1","data":{"order_id":"O"}}`), order.MissingField, "order_id",
			"order_id is missing, because the body is a CloudEvents envelope: " +
				"send its data as the body, as binary content mode does.",
		},
		{
			`{"orders":[` + with() + `]}`, order.MissingField, "order_id",
			"order_id is missing, because the body is a list of orders: send one message for each order.",
		},
		{
			`["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]`,
			order.InvalidJSON, "",
			"the message cannot be read, it is a pointer of the SQS extended client to a body in S3: " +
				"send the order itself, which a message has room for.",
		},
		{
			`["com.amazon.sqs.javamessaging.MessageS3Pointer",{}]`, order.InvalidJSON, "",
			"the message cannot be read, it is a pointer of the SQS extended client to a body in S3: " +
				"send the order itself, which a message has room for.",
		},
		{
			`[[],"PayloadS3Pointer"]`, order.InvalidJSON, "",
			bodyStart + "it is JSON, but not an object" + end,
		},
		{
			`{"TopicArn":"t","user_id":"U","order_id":""}`, order.InvalidField, "order_id",
			"order_id is empty" + wantID,
		},
		{
			withItem(`"P"`, "2", "1000000000"), order.OrderTooLarge, "items",
			"items add up to more than 1,000,000,000.00: write several smaller orders.",
		},
	} {
		want := &order.Refusal{Reason: c.reason, Field: c.field, Detail: c.detail}
		_, err := order.Parse(c.body)
		var got *order.Refusal
		if !errors.As(err, &got) {
			t.Errorf("the error is a %T, want a *Refusal\nmessage: %q", err, c.body)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("refusal (-want +got):\n%s\nmessage: %q", diff, c.body)
		}
	}
}

// A value may be a customer's; what goes to logs and queue attributes does not repeat it.
func TestRefusalsDoNotRepeatWhatWasWritten(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, body := range []string{
		with("order_id", `"`+secret+`\n"`), with("user_id", `["`+secret+`"]`),
		with("order_timestamp", `"`+secret+`"`),
		withItem(`"P"`, `"`+secret+`"`, "1"), with("order_value", `"`+secret+`"`), secret, `{"` + secret,
		encode(secret),
	} {
		_, err := order.Parse(body)
		if err == nil {
			t.Errorf("accepted: %s", body)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the refusal repeats what was written: %v", err)
		}
	}
}

func TestReasonsListsEveryCode(t *testing.T) {
	t.Parallel()
	want := []order.Reason{
		"invalid_json", "missing_field", "invalid_field", "order_too_large", "order_id_conflict",
		"total_overflow",
	}
	if diff := cmp.Diff(want, order.Reasons()); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestRefusalAsAnError(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]*order.Refusal{
		"invalid_json: it is empty": {Reason: order.InvalidJSON, Detail: "it is empty"},
		"missing_field at items: items is missing": {
			Reason: order.MissingField, Field: "items", Detail: "items is missing",
		},
	} {
		if r.Error() != want {
			t.Errorf("error text = %q, want %q", r.Error(), want)
		}
	}
}
