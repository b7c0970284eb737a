package queue

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Call is one call of the service's API, made by a function.
type Call struct {
	Action  string // such as SendMessageBatch
	Queue   string // the queue's name
	Entries int
}

// A Fault is what goes wrong with a call. The zero Fault: nothing.
type Fault struct {
	Code     string         // the whole call is refused with this error code
	Status   int            // with this HTTP status; zero: 400
	Entry    func(int) bool // entries for which it is true are refused
	Hang     bool           // no response comes before the caller gives up
	LoseDone bool           // the call is done, and the connection ends before the response
}

// A request holds the members of all requests that this service reads.
type request struct {
	QueueUrl string
	Entries  []entry
	entry    // of SendMessage and ChangeMessageVisibility
}

type entry struct {
	Id                string
	MessageBody       string
	MessageAttributes map[string]struct{ DataType, StringValue string }
	ReceiptHandle     string
	VisibilityTimeout int
}

type (
	answer struct {
		MessageId        string            `json:",omitempty"`
		MD5OfMessageBody string            `json:",omitempty"`
		Successful       []success         `json:",omitempty"`
		Failed           []failure         `json:",omitempty"`
		Attributes       map[string]string `json:",omitempty"`
	}
	success struct {
		Id               string
		MessageId        string `json:",omitempty"`
		MD5OfMessageBody string `json:",omitempty"`
	}
	failure struct {
		Id   string
		Code string
	}
)

// ServeHTTP speaks the AWS JSON protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, isSQS := strings.Cut(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !isSQS && s.other != nil {
		s.other.ServeHTTP(w, r)
		return
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "SerializationException")
		return
	}
	call := Call{action, path.Base(in.QueueUrl), len(in.Entries)}
	s.mu.Lock()
	judge, q := s.judge, s.queues[call.Queue]
	s.mu.Unlock()
	var fault Fault
	if judge != nil {
		fault = judge(call)
	}
	switch {
	case fault.Hang:
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		return
	case fault.Code != "":
		refuse(w, max(fault.Status, http.StatusBadRequest), fault.Code)
		return
	case q == nil:
		refuse(w, http.StatusBadRequest, "QueueDoesNotExist")
		return
	}

	out, code := s.do(q, action, in, fault.Entry)
	if code != "" {
		refuse(w, http.StatusBadRequest, code)
		return
	}
	if fault.LoseDone {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out) // a caller that went away asks again
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).
		Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": "refused by the test"})
}

// do executes one call, or returns the code of the error that refuses it as a whole.
func (s *Service) do(
	q *Queue, action string, in request, fails func(int) bool,
) (out answer, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if action == "GetQueueAttributes" {
		visible, inFlight := q.depth()
		return answer{Attributes: map[string]string{
			"ApproximateNumberOfMessages":           strconv.Itoa(visible),
			"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
			"ApproximateNumberOfMessagesDelayed":    "0",
		}}, ""
	}
	if action == "SendMessage" {
		done, code := q.take(in.entry)
		return answer{MessageId: done.MessageId, MD5OfMessageBody: done.MD5OfMessageBody}, code
	}
	if action == "ChangeMessageVisibility" {
		timeout := time.Duration(in.VisibilityTimeout) * time.Second
		return answer{}, q.changeVisibility(in.ReceiptHandle, timeout)
	}
	var each func(entry) (success, string)
	switch action {
	case "SendMessageBatch":
		total := 0
		for _, e := range in.Entries {
			total += size(e)
		}
		if total > 256<<10 {
			return answer{}, "BatchRequestTooLong"
		}
		each = q.take
	case "ChangeMessageVisibilityBatch":
		each = func(e entry) (success, string) {
			timeout := time.Duration(e.VisibilityTimeout) * time.Second
			return success{}, q.changeVisibility(e.ReceiptHandle, timeout)
		}
	case "DeleteMessageBatch":
		each = func(e entry) (success, string) {
			q.remove(map[string]bool{e.ReceiptHandle: true})
			return success{}, ""
		}
	default:
		return answer{}, "InvalidAction"
	}
	if len(in.Entries) == 0 {
		return answer{}, "EmptyBatchRequest"
	}
	if len(in.Entries) > 10 {
		return answer{}, "TooManyEntriesInBatchRequest"
	}
	for i, e := range in.Entries {
		var done success
		code := "InternalError"
		if fails == nil || !fails(i) {
			done, code = each(e)
		}
		if code != "" {
			out.Failed = append(out.Failed, failure{Id: e.Id, Code: code})
			continue
		}
		done.Id = e.Id
		out.Successful = append(out.Successful, done)
	}
	return out, ""
}

func size(e entry) int {
	n := len(e.MessageBody)
	for name, value := range e.MessageAttributes {
		n += len(name) + len(value.DataType) + len(value.StringValue)
	}
	return n
}

// take puts the message of an entry into the queue. It needs the lock.
func (q *Queue) take(e entry) (success, string) {
	if size(e) > q.MaxBytes || len(e.MessageBody) == 0 || len(e.MessageAttributes) > 10 {
		return success{}, "InvalidParameterValue"
	}
	attributes := map[string]string{}
	for name, value := range e.MessageAttributes {
		if value.StringValue == "" {
			return success{}, "InvalidParameterValue"
		}
		attributes[name] = value.StringValue
	}
	sum := md5.Sum([]byte(e.MessageBody))
	return success{
		MessageId:        q.add(e.MessageBody, attributes),
		MD5OfMessageBody: hex.EncodeToString(sum[:]),
	}, ""
}
