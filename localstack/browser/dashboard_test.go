package browser_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// figure reads a number as it is shown on hover.
func (p *tab) figure(id string) int {
	p.t.Helper()
	text := evaluate[string](p, "document.getElementById("+quote(id)+").title")
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		p.t.Fatalf("%s shows %q", id, text)
	}
	return n
}

func (p *tab) waitFigure(id string, n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf("document.getElementById(%q).title.replaceAll(',', '') === '%d'", id, n))
}

func TestDashboardShowsOrdersAsTheyComeWithoutReload(t *testing.T) {
	s, p := open(t), newTab(t)
	run := rand.Text()
	s.send(t, message(t, run+"-0", "U-"+run, "2024-05-06", "1.00"))
	p.visit(s.url + "/")
	p.live()
	p.wait("document.getElementById('recorded').title !== '' && document.getElementById('recorded').title !== '0'")
	evaluate[chromedp.Void](p, "window.sameDocument = true")
	before := map[string]int{}
	for _, id := range []string{"orders", "recorded", "duplicate", "refused", "mismatch"} {
		before[id] = p.figure(id)
	}

	first := message(t, run+"-1", "U-"+run, "2024-05-06", "19.99")
	wrongValue := strings.Replace(message(t, run+"-3", "U-"+run, "2024-07-06", "19.99"), `"order_value":19.99`, `"order_value":1`, 1)
	s.send(t, first, message(t, run+"-2", "U-"+run, "2024-06-06", "19.99"), wrongValue, first, "not an order", `{"order_id":"x"}`)

	p.waitFigure("orders", before["orders"]+3)
	p.waitFigure("recorded", before["recorded"]+3)
	p.waitFigure("duplicate", before["duplicate"]+1)
	p.waitFigure("refused", before["refused"]+2)
	p.waitFigure("mismatch", before["mismatch"]+1)
	p.waitText("#reasons", "Not readable as JSON invalid_json")
	p.waitText("#reasons", "missing_field")
	p.waitText("#queues", "orders-rejected")

	p.do(chromedp.SendKeys("#customer-id", "U-"+run), chromedp.Click("#lookup button"))
	p.waitText("#customer", "60.97")
	s.send(t, message(t, run+"-4", "U-"+run, "2024-07-06", "9.03"))
	p.waitText("#customer", "70.00") // without being asked again
	if !evaluate[bool](p, "window.sameDocument === true") {
		t.Error("the page was loaded again")
	}
}

func TestDashboardShowsTheMonths(t *testing.T) {
	s, p := open(t), newTab(t)
	run := rand.Text()
	s.send(t, message(t, run+"-1", "U", "2024-11-30", "10.50"), message(t, run+"-2", "U", "2024-12-31", "20.25"))
	p.visit(s.url + "/dashboard")
	p.live()
	p.wait("document.querySelectorAll('#chart .bar').length >= 2")
	p.waitText("#readout", "2024")
	p.do(chromedp.Click("#months-table summary"))
	p.waitText("#months-table tbody", "2024-11")
	p.waitText("#months-table tbody", "2024-12")
	p.do(chromedp.Click(".choice label:nth-of-type(2)"))
	p.wait("document.querySelector('#chart svg').getAttribute('aria-label').startsWith('Revenue by month')")
}

func TestAnEmptyStoreIsShownAsSuch(t *testing.T) {
	s, p := local(t), newTab(t)
	p.visit(s.url + "/")
	p.live()
	p.waitText("#chart", "No orders yet")
	p.waitText("#top-empty", "No customer has an order yet")
	p.waitText("#orders", "0")
	p.waitText("#revenue", "0.00")
	p.accessible()
	p.screenshot("empty")
}

func TestRedisAwayIsSaidClearlyAndHealsByItself(t *testing.T) {
	s, p := open(t), newTab(t)
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	p.visit(s.url + "/")
	p.live()
	p.wait("document.querySelector('#top tbody tr')")
	p.expectFailures()

	s.freeze(t)
	frozen := true
	t.Cleanup(func() {
		if frozen {
			s.thaw(t)
		}
	})
	p.waitText("#state", "Redis does not answer")
	p.waitText("#alarm", "The figures below are those of")
	p.wait("document.body.dataset.state === 'error'")
	p.wait("document.getElementById('orders').innerText !== ''") // the last figures stay
	p.do(chromedp.SendKeys("#customer-id", "U1"), chromedp.Click("#lookup button"))
	p.waitText("#customer", "cannot be read right now")
	p.accessible()
	p.screenshot("redis-away")

	s.thaw(t)
	frozen = false
	p.live()
	p.wait("document.getElementById('alarm').hidden")
	p.waitText("#customer", "Spend")
}

func TestNothingToShowYetIsSaidToo(t *testing.T) {
	s, p := local(t), newTab(t)
	p.expectFailures()
	s.freeze(t)
	t.Cleanup(func() { s.thaw(t) })
	p.visit(s.url + "/")
	p.waitText("#alarm", "There are no figures to show yet")
	p.accessible()
	p.screenshot("redis-away-from-the-start")
}

func TestPausedFiguresAreMarked(t *testing.T) {
	s, p := local(t), newTab(t)
	p.visit(s.url + "/")
	p.live()
	p.do(chromedp.Click("#pause"))
	p.waitText("#state", "Paused")
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	p.do(chromedp.Click("#pause"))
	p.live()
	p.waitFigure("orders", 1)
}

func TestCustomerLookUp(t *testing.T) {
	s, p := open(t), newTab(t)
	p.expectFailures() // a customer without orders is a 404, which the console tells
	p.visit(s.url + "/")
	p.live()
	p.do(chromedp.SendKeys("#customer-id", "nobody-"+rand.Text()), chromedp.Click("#lookup button"))
	p.waitText("#customer", "has no orders")

	// The whole way by keyboard: the first stop is the skip link, and Enter in the field asks.
	user := "U-" + rand.Text()
	s.send(t, message(t, rand.Text(), user, "2024-05-06", "12.34"))
	p.visit(s.url + "/")
	p.live()
	p.do(chromedp.KeyEvent(kb.Tab))
	p.wait("document.activeElement.className === 'skip'")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.wait("document.activeElement.id === 'figures'")
	for range 200 {
		if evaluate[bool](p, "document.activeElement.id === 'customer-id'") {
			break
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.do(chromedp.KeyEvent(user + kb.Enter))
	p.waitText("#customer", "12.34")
}

func TestHostileCustomerIDsAreText(t *testing.T) {
	s, p := open(t), newTab(t)
	ids := []string{
		`<img src=x onerror="alert(1)">`,
		"</script><script>alert(1)</script>",
		"👩‍🚀 🇩🇪",
		"\u202eright to left עברית",
		strings.Repeat("W", 128),
		"a/b?c#d&e=f%2F",
	}
	for i, id := range ids {
		s.send(t, message(t, fmt.Sprint(rand.Text(), i), id, "2024-05-06", fmt.Sprint(900_000_000-i)))
	}
	p.visit(s.url + "/")
	p.live()
	p.wait(fmt.Sprintf("document.querySelectorAll('#top tbody tr').length >= %d", len(ids)))
	shown := evaluate[[]string](p, "[...document.querySelectorAll('#top .name')].map((e) => e.textContent)")
	for _, id := range ids {
		if !slices.Contains(shown, id) {
			t.Errorf("%q is not on the leaderboard %q", id, shown)
		}
		evaluate[chromedp.Void](p, "[...document.querySelectorAll('#top .name')].find((e) => e.textContent === "+quote(id)+").click()")
		p.wait("document.querySelector('#customer h3')?.textContent === " + quote(id))
	}
	if n := evaluate[int](p, "document.querySelectorAll('img, main script').length"); n != 0 {
		t.Errorf("%d elements were made out of ids", n)
	}
	if evaluate[bool](p, "document.documentElement.scrollWidth > document.documentElement.clientWidth") {
		t.Error("a long id makes the page scroll sideways")
	}
	p.screenshot("hostile-ids")
}

func TestEveryFormOfTheAddressWorks(t *testing.T) {
	s := open(t)
	for _, base := range append([]string{s.url}, s.aliases...) {
		for _, form := range []string{"", "/", "/dashboard"} {
			p := newTab(t)
			p.visit(base + form)
			p.live()
			for link, want := range map[string]string{"docs": base + "/docs", "metrics": base + "/metrics"} {
				if got := evaluate[string](p, "document.querySelector('[data-link="+link+"]').href"); got != want {
					t.Errorf("%s: the link leads to %s, want %s", base+form, got, want)
				}
			}
		}
	}
}

func TestLooksAndAccessibility(t *testing.T) {
	s := open(t)
	var messages []string
	for i := range 400 {
		user := fmt.Sprint("U", 1000+i*i%97)
		day := fmt.Sprintf("%d-%02d-11", 2023+i%2, 1+(i*i+i/7)%12)
		messages = append(messages, message(t, fmt.Sprint(rand.Text(), i), user, day, fmt.Sprintf("%d.%02d", 20+i*37%400, i*13%100)))
	}
	messages = append(messages, messages[:25]...)
	messages = append(messages, "broken", "broken", `{"order_id":"x"}`, strings.Replace(messages[0], `"quantity":1`, `"quantity":0`, 1))
	s.send(t, messages...)
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"narrow", 360, 740}, {"medium", 820, 1100}, {"wide", 1280, 1000}, {"widest", 2560, 1300}} {
			t.Run(scheme+" "+size.name, func(t *testing.T) {
				p := newTab(t)
				p.scheme(scheme)
				p.resize(size.width, size.height)
				p.visit(s.url + "/")
				p.live()
				p.wait("document.querySelector('#top tbody tr') && document.querySelector('#chart .bar')")
				evaluate[chromedp.Void](p, "document.querySelector('#top .name').click()")
				p.wait("document.querySelector('#customer h3')")
				if evaluate[bool](p, "document.documentElement.scrollWidth > document.documentElement.clientWidth") {
					t.Errorf("at %d pixels the page scrolls sideways", size.width)
				}
				p.accessible()
				p.screenshot("dashboard-" + scheme + "-" + size.name)
			})
		}
	}
}
