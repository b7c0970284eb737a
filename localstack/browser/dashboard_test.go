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
	p.wait("!['', '0'].includes(document.getElementById('recorded').title)")
	evaluate[chromedp.Void](p, "window.sameDocument = true")
	before := map[string]int{}
	for _, id := range []string{"orders", "recorded", "duplicate", "refused", "mismatch"} {
		before[id] = p.figure(id)
	}

	first := message(t, run+"-1", "U-"+run, "2024-05-06", "19.99")
	wrongValue := strings.Replace(
		message(t, run+"-3", "U-"+run, "2024-07-06", "19.99"), `"order_value":19.99`,
		`"order_value":1`, 1,
	)
	s.send(
		t, first, message(t, run+"-2", "U-"+run, "2024-06-06", "19.99"), wrongValue, first,
		"not an order", `{"order_id":"x"}`,
	)

	p.waitFigure("orders", before["orders"]+3)
	p.waitFigure("recorded", before["recorded"]+3)
	p.waitFigure("duplicate", before["duplicate"]+1)
	p.waitFigure("refused", before["refused"]+2)
	p.waitFigure("mismatch", before["mismatch"]+1)
	p.waitText("#reasons", "Not readable as JSON")
	p.waitText("#reasons", "invalid_json")
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

func TestAnEmptyStoreIsShownAsSuch(t *testing.T) {
	s, p := local(t), newTab(t)
	p.visit(s.url + "/")
	p.live()
	p.waitText("#chart", "No orders yet")
	p.waitText("#chart .command code", "orderctl send")
	p.waitText("#top-empty", "No customer has an order yet")
	p.waitText("#orders", "0")
	p.waitText("#revenue", "0.00")
	p.accessible()
	p.screenshot("empty")
}

func TestCustomerLookUp(t *testing.T) {
	s, p := open(t), newTab(t)
	p.visit(s.url + "/")
	p.live()
	p.do(chromedp.SendKeys("#customer-id", "unknown-"+rand.Text()), chromedp.Click("#lookup button"))
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
	shown := evaluate[[]string](
		p, "[...document.querySelectorAll('#top .name')].map((e) => e.textContent)",
	)
	for _, id := range ids {
		if !slices.Contains(shown, id) {
			t.Errorf("%q is not on the leaderboard %q", id, shown)
		}
		evaluate[chromedp.Void](p, fmt.Sprintf(
			"[...document.querySelectorAll('#top .name')].find((e) => e.textContent === %s).click()",
			quote(id),
		))
		p.wait("document.querySelector('#customer h3')?.textContent === " + quote(id))
	}
	if n := evaluate[int](p, "document.querySelectorAll('img, main script').length"); n != 0 {
		t.Errorf("%d elements were made out of ids", n)
	}
	if p.scrollsSideways() {
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
				got := evaluate[string](p, "document.querySelector('[data-link="+link+"]').href")
				if got != want {
					t.Errorf("%s: the link leads to %s, want %s", base+form, got, want)
				}
			}
		}
	}
}
