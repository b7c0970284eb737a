package restore

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// ServeHTTP is the API, and the part of Lambda about mappings.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var result any
	switch path := r.URL.Path; {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".FilterLogEvents"):
		result = map[string]any{"events": c.log} // all of them, as LocalStack does
	case strings.Contains(path, "/event-source-mappings/"):
		result = c.mapping(r, path[strings.LastIndexByte(path, '/')+1:])
	case strings.HasSuffix(path, "/configuration"):
		result = map[string]any{"Timeout": 30}
	case path == "/stats/overview":
		result = c.overview()
	case strings.HasPrefix(path, "/stats/top/"):
		result = c.overview().Figures.Top
	case path == "/stats/daily":
		result = c.days(r.URL.Query().Get("start"), r.URL.Query().Get("end"))
	case path == "/users":
		result = c.customers(r.URL.Query().Get("cursor"))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(result)
}

func (c *cloud) mapping(r *http.Request, id string) any {
	if r.Method == http.MethodPut {
		var change struct{ Enabled *bool }
		_ = json.NewDecoder(r.Body).Decode(&change)
		c.mappings[id] = *change.Enabled
		if !*change.Enabled {
			c.stops++
		}
	}
	state := "Disabled"
	if c.mappings[id] {
		state = "Enabled"
	}
	return map[string]any{"UUID": id, "State": state}
}

// overview calculates all figures from the orders.
func (c *cloud) overview() answer.Overview {
	figures := &answer.Figures{}
	users, months := map[string]answer.User{}, map[order.Month]answer.Period{}
	for _, o := range c.orders {
		figures.Totals.Orders++
		figures.Totals.Revenue += o.Value
		u, m := users[o.UserID], months[order.MonthOf(o.Placed)]
		users[o.UserID] = answer.User{UserID: o.UserID, Orders: u.Orders + 1, Spend: u.Spend + o.Value}
		months[order.MonthOf(o.Placed)] = answer.Period{
			Orders:  m.Orders + 1,
			Revenue: m.Revenue + o.Value,
		}
	}
	for m, p := range months {
		figures.Months = append(figures.Months, answer.Dated[order.Month]{Date: m, Period: p})
	}
	for id, u := range users {
		figures.Top = append(figures.Top, answer.Spender{UserID: id, Spend: u.Spend})
	}
	slices.SortFunc(figures.Top, func(a, b answer.Spender) int { return int(b.Spend - a.Spend) })
	o := answer.Overview{TimeZone: "UTC", RedisUp: true, Figures: figures}
	c.wrong(&o)
	return o
}

func (c *cloud) days(start, end string) map[string]answer.Period {
	days := map[string]answer.Period{}
	for _, o := range c.orders {
		if day := o.Placed.Format(time.DateOnly); start <= day && day <= end {
			days[day] = answer.Period{Orders: days[day].Orders + 1, Revenue: days[day].Revenue + o.Value}
		}
	}
	return days
}

// customers has pages of one customer.
func (c *cloud) customers(cursor string) (page answer.Customers) {
	users := map[string]answer.User{}
	var ids []string
	for _, o := range c.orders {
		u, known := users[o.UserID]
		if !known {
			ids = append(ids, o.UserID)
		}
		users[o.UserID] = answer.User{UserID: o.UserID, Orders: u.Orders + 1, Spend: u.Spend + o.Value}
	}
	slices.Sort(ids)
	at, _ := strconv.Atoi(cursor)
	if at < len(ids) {
		page.Users = append(page.Users, users[ids[at]])
	}
	if at+1 < len(ids) {
		page.Next = strconv.Itoa(at + 1)
	}
	return page
}
