// Package api asks the pipeline's HTTP API for its numbers. Money stays exact: it is read as text, never as a float.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orderpipeline/shared/order"
)

var (
	// ErrUnavailable: the API, or the Redis behind it, does not answer now.
	ErrUnavailable = errors.New("the API does not answer")
	// ErrNotFound: the customer has no orders, or the API has no such route.
	ErrNotFound = errors.New("not found")
	// ErrRefused: the API does not accept the question.
	ErrRefused = errors.New("the API refuses")
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// A Client asks the API at Base, which has no slash at its end.
type Client struct {
	Base string
	HTTP *http.Client
}

// Money is an amount in cents. In the API's JSON it is a number with two decimals; orderctl writes it as a string.
type Money order.Cents

func (m Money) String() string { return order.Cents(m).String() }

// MarshalJSON writes the amount as a string, so that no reader takes it for a float.
func (m Money) MarshalJSON() ([]byte, error) { return []byte(`"` + m.String() + `"`), nil }

// UnmarshalJSON reads a JSON number with at most two decimals.
func (m *Money) UnmarshalJSON(text []byte) error {
	whole, fraction, _ := strings.Cut(strings.Trim(string(text), `"`), ".")
	if whole == "" || len(fraction) > 2 {
		return fmt.Errorf("%s is no amount of money with at most two decimals", text)
	}
	cents, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if err != nil {
		return fmt.Errorf("%s is no amount of money", text)
	}
	*m = Money(cents)
	return nil
}

// Totals are the numbers over all orders.
type Totals struct {
	Orders  int64 `json:"total_orders"`
	Revenue Money `json:"total_revenue"`
}

// User are the numbers of one customer.
type User struct {
	UserID string `json:"user_id"`
	Orders int64  `json:"order_count"`
	Spend  Money  `json:"total_spend"`
}

// Spender is one line of the leaderboard.
type Spender struct {
	UserID string `json:"user_id"`
	Spend  Money  `json:"total_spend"`
}

// Month are the numbers of one month, YYYY-MM.
type Month struct {
	Month   string `json:"month"`
	Orders  int64  `json:"orders"`
	Revenue Money  `json:"revenue"`
}

// Messages are the counters of what happened to messages.
type Messages struct {
	Recorded  int64                  `json:"recorded"`
	Duplicate int64                  `json:"duplicate"`
	Mismatch  int64                  `json:"mismatch"`
	Failed    int64                  `json:"failed"`
	Refused   map[order.Reason]int64 `json:"refused"`
}

// Health returns nil when the API answers and reaches Redis.
func (c *Client) Health(ctx context.Context) error {
	var answer struct{ Status string }
	return c.get(ctx, "/health", &answer)
}

// Global returns the numbers over all orders.
func (c *Client) Global(ctx context.Context) (Totals, error) {
	var t Totals
	return t, c.get(ctx, "/stats/global", &t)
}

// User returns the numbers of one customer, or ErrNotFound for one without orders.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	var u User
	return u, c.get(ctx, "/users/"+url.PathEscape(id)+"/stats", &u)
}

// Top returns the n customers with the highest spend.
func (c *Client) Top(ctx context.Context, n int) ([]Spender, error) {
	top := []Spender{}
	return top, c.get(ctx, "/stats/top/"+strconv.Itoa(n), &top)
}

// Months returns the months from start to end (YYYY-MM; empty means the API's default) that have orders, in order.
func (c *Client) Months(ctx context.Context, start, end string) ([]Month, error) {
	query := url.Values{}
	if start != "" {
		query.Set("start", start)
	}
	if end != "" {
		query.Set("end", end)
	}
	var answer map[string]Month
	if err := c.get(ctx, "/stats/monthly?"+query.Encode(), &answer); err != nil {
		return nil, err
	}
	months := make([]Month, 0, len(answer))
	for name, m := range answer {
		m.Month = name
		months = append(months, m)
	}
	slices.SortFunc(months, func(a, b Month) int { return strings.Compare(a.Month, b.Month) })
	return months, nil
}

// Messages returns the counters of what happened to messages.
func (c *Client) Messages(ctx context.Context) (Messages, error) {
	var m Messages
	return m, c.get(ctx, "/stats/messages", &m)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+path, nil)
	if err != nil {
		return fmt.Errorf("the API's address is not a URL, see --api-url: %w", err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return fmt.Errorf("%w at %s", ErrUnavailable, c.Base)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: its answer broke off", ErrUnavailable)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, detail(body, resp.StatusCode))
	case resp.StatusCode >= 500:
		return fmt.Errorf("%w: %s", ErrUnavailable, detail(body, resp.StatusCode))
	default:
		return fmt.Errorf("%w: %s", ErrRefused, detail(body, resp.StatusCode))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("what answers at %s is not the pipeline's API: %w", c.Base, err)
	}
	return nil
}

// detail is the sentence of a problem+json answer, or the status where there is none.
func detail(body []byte, status int) string {
	var problem struct{ Title, Detail string }
	if json.Unmarshal(body, &problem) == nil {
		if problem.Detail != "" {
			return problem.Detail
		}
		if problem.Title != "" {
			return problem.Title
		}
	}
	return fmt.Sprintf("status %d %s", status, http.StatusText(status))
}
