// Package api asks the pipeline's HTTP API for its figures. Money stays exact: it is never a float.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

var (
	// ErrUnavailable says that the API, or the Redis behind it, does not answer now.
	ErrUnavailable = errors.New("unavailable")
	// ErrNotFound says that the customer has no orders, or that the API has no such route.
	ErrNotFound = errors.New("not found")
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// A Client asks the API at Base, which has no slash at its end.
type Client struct {
	Base string
	HTTP *http.Client
}

// User returns the figures of one customer, or ErrNotFound for one without orders.
func (c *Client) User(ctx context.Context, id string) (u answer.User, err error) {
	segment := url.PathEscape(id)
	if strings.Trim(id, ".") == "" {
		segment = strings.ReplaceAll(id, ".", "%2E") // "." and ".." would be path navigation
	}
	return u, c.get(ctx, &u, "/users/"+segment+"/stats")
}

// Top returns the n customers with the highest spend.
func (c *Client) Top(ctx context.Context, n int) (top []answer.Spender, err error) {
	top = []answer.Spender{} // [] in JSON where there is none
	return top, c.get(ctx, &top, "/stats/top/"+strconv.Itoa(n))
}

// mostDays is the longest range of days of one request.
const mostDays = 400

// Days returns the days from first to last that have orders, in order. Only the given months, which
// are sorted, are asked for: one order with an odd date does not lead to a request for each of many
// empty years.
func (c *Client) Days(
	ctx context.Context, months []order.Month, first, last order.Day,
) (all answer.Days, err error) {
	for len(months) > 0 {
		from, to := max(first, firstDay(months[0])), order.Day(0)
		for len(months) > 0 && (to == 0 || firstDay(months[0]+1)-from <= mostDays) {
			to = min(last, firstDay(months[0]+1)-1)
			months = months[1:]
		}
		if from > to {
			continue
		}
		var days answer.Days
		err = c.get(ctx, &days, "/stats/daily", "start", from.String(), "end", to.String())
		if err != nil {
			return nil, err
		}
		all = append(all, days...)
	}
	return all, nil
}

// firstDay returns the first day of a month, which may be the one after 9999-12.
func firstDay(m order.Month) order.Day {
	return order.DayOf(time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// pageSize is the largest page of customers that the API returns.
const pageSize = "1000"

// Customers yields all customers, page by page. An error is yielded last.
func (c *Client) Customers(ctx context.Context) iter.Seq2[[]answer.User, error] {
	return func(yield func([]answer.User, error) bool) {
		for cursor, more := "", true; more; more = cursor != "" {
			var page answer.Customers
			err := c.get(ctx, &page, "/users", "limit", pageSize, "cursor", cursor)
			if !yield(page.Users, err) || err != nil {
				return
			}
			cursor = page.Next
		}
	}
}

// Overview returns what the page shows at a glance. Its Figures is nil while Redis is away.
func (c *Client) Overview(ctx context.Context) (o answer.Overview, err error) {
	return o, c.get(ctx, &o, "/stats/overview")
}

// Figures returns the overview with its figures, or ErrUnavailable while Redis is away.
func (c *Client) Figures(ctx context.Context) (answer.Overview, error) {
	o, err := c.Overview(ctx)
	if err == nil && o.Figures == nil {
		err = redisAway("The figures cannot be read right now. Try again in a moment.")
	}
	return o, err
}

// get reads the answer of a route into an object. query is names and values in turn.
func (c *Client) get(ctx context.Context, into any, path string, query ...string) error {
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	address := c.Base + path
	if len(values) > 0 {
		address += "?" + values.Encode()
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("the API's address is not a URL, see --api-url: %w", err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return fmt.Errorf("%w: the API does not answer at %s", ErrUnavailable, c.Base)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: the API's answer broke off", ErrUnavailable)
	}

	if resp.StatusCode != http.StatusOK {
		return refusal(resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("what answers at %s is not the pipeline's API: %w", c.Base, err)
	}
	return nil
}

// refusal is the error of an answer that is not OK, with the sentence of its problem+json, or the
// status where there is none.
func refusal(status int, body []byte) error {
	var problem struct{ Title, Detail string }
	_ = json.Unmarshal(body, &problem)
	detail := cmp.Or(problem.Detail, problem.Title,
		fmt.Sprintf("status %d %s", status, http.StatusText(status)))
	switch {
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, detail)
	case status == http.StatusServiceUnavailable: // the API works: what it says is about Redis
		return redisAway(detail)
	case status >= 500:
		return fmt.Errorf("%w: the API fails: %s", ErrUnavailable, detail)
	}
	return fmt.Errorf("the API refuses: %s", detail)
}

func redisAway(detail string) error {
	return fmt.Errorf("%w: the API answers, but Redis does not: %s", ErrUnavailable, detail)
}
