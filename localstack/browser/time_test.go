package browser_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// months sends n orders in each month, at 10.00 each.
func (s site) months(t *testing.T, n int, months ...string) {
	t.Helper()
	var messages []string
	for _, month := range months {
		for range n {
			messages = append(messages, message(t, rand.Text(), "U1", month+"-15", "10.00"))
		}
	}
	s.send(t, messages...)
}

func year(y int) (months []string) {
	for m := range 12 {
		months = append(months, fmt.Sprintf("%d-%02d", y, m+1))
	}
	return months
}

// One order with an odd date must not empty the chart: the page shows the data, and names the
// outlier.
func TestAnOutlierDoesNotHideTheData(t *testing.T) {
	s, p := local(t), newTab(t)
	s.months(t, 10, year(2024)...)
	s.months(t, 1, "2062-03")
	p.visit(s.url + "/")
	p.live()
	p.waitText("#readout", "January 2024 – December 2024")
	p.waitText("#readout", "120 orders")
	p.waitText("#outside", "1 order lies outside this range: 1 in March 2062.")
	if n := evaluate[int](p, "document.querySelectorAll('#chart .column.opens').length"); n != 12 {
		t.Errorf("%d months have a bar, want 12", n)
	}
	p.screenshot("outlier")

	p.press("#outside button")
	p.waitText("#readout", "2024 – 2062") // 39 years, by year
	p.waitText("#readout", "121 orders")
	p.wait("document.getElementById('outside').hidden")
	p.screenshot("all-years")
}

func TestAFewNewOrdersDoNotHideLastYear(t *testing.T) {
	s, p := local(t), newTab(t)
	s.months(t, 10, year(2020)...)
	s.months(t, 1, "2024-01")
	p.visit(s.url + "/")
	p.waitText("#readout", "January 2020 – December 2020")
	p.waitText("#outside", "1 in January 2024")
}

func TestARangeIsChosenAndLinked(t *testing.T) {
	s, p := local(t), newTab(t)
	s.months(t, 2, year(2023)...)
	s.months(t, 3, year(2024)...)
	p.visit(s.url + "/")
	p.live()
	p.waitText("#readout", "January 2023 – December 2024")

	p.do(chromedp.Click("[name=range][value=custom] + span"))
	p.wait("!document.getElementById('custom').hidden")
	p.wait("document.getElementById('from').value === '2023-01'")
	p.wait("document.getElementById('to').value === '2024-12'")
	evaluate[chromedp.Void](p, "document.getElementById('from').value = '2024-02'")
	evaluate[chromedp.Void](p, "document.getElementById('to').value = '2024-05'")
	p.press("#custom button")
	p.waitText("#readout", "February 2024 – May 2024")
	p.waitText("#readout", "12 orders")
	p.do(chromedp.Click("[name=measure][value=revenue] + span"))
	p.wait("document.querySelector('#chart svg').ariaLabel.startsWith('Revenue by month')")
	p.wait("location.hash === '#range=2024-02..2024-05&measure=revenue'")

	evaluate[chromedp.Void](p, "document.getElementById('from').value = '2024-13'")
	p.press("#custom button")
	p.waitText("#custom-note", "Write months or days")

	p.do(chromedp.Reload())
	p.waitText("#readout", "February 2024 – May 2024")
	p.wait("document.querySelector('#chart svg').getAttribute('aria-label').startsWith('Revenue')")
	p.do(chromedp.Click("[name=range][value=all] + span"))
	p.waitText("#readout", "January 2023 – December 2024")
	evaluate[chromedp.Void](p, "history.back()")
	p.waitText("#readout", "February 2024 – May 2024")
}

func TestAMonthLeadsToItsDays(t *testing.T) {
	s, p := local(t), newTab(t)
	s.months(t, 2, "2024-01", "2024-02")
	s.send(t, message(t, rand.Text(), "U1", "2024-02-29", "5.00"))
	p.visit(s.url + "/")
	p.live()
	p.wait("document.querySelectorAll('#chart .opens').length === 2")
	evaluate[chromedp.Void](
		p,
		"[...document.querySelectorAll('#chart .opens')].at(-1).dispatchEvent(new MouseEvent('click'))",
	)
	p.waitText("#readout", "‹ Months")
	p.waitText("#readout", "February 2024")
	p.waitText("#readout", "3 orders")
	p.waitText("#outside", "2 orders lie outside this range: 2 in January 2024.")
	p.press("#table summary")
	p.waitText("#table tbody", "2024-02-29")
	p.wait("location.hash === '#range=2024-02-01..2024-02-29'")
	p.accessible()
	p.screenshot("days")
	p.do(chromedp.Reload())
	p.waitText("#readout", "3 orders")
	p.press("#readout button")
	p.waitText("#readout", "September 2023 – February 2024")
	p.waitText("#readout", "5 orders")

	// By keyboard, the table leads there, too.
	p.press("#table summary")
	p.press("#table tbody button")
	p.waitText("#readout", "3 orders")
}

func TestTodayIsShown(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(
		t, message(t, rand.Text(), "U1", s.now().UTC().Format(time.RFC3339), "5.00"),
		message(t, rand.Text(), "U1", "2024-05-01", "7.00"),
	)
	p.visit(s.url + "/#range=30d")
	p.live()
	p.waitText("#today", "1 today")
	p.waitText("#today-revenue", "5.00 today")
	p.waitText("#readout", "1 order ·")
	p.wait("document.querySelectorAll('#chart .bar').length === 30")
	p.screenshot("30-days")
}

func TestRangesBeforeTheDataSayWhereItIs(t *testing.T) {
	s, p := local(t), newTab(t)
	s.months(t, 1, "2019-05", "2019-06", "2019-07", "2020-01")
	p.visit(s.url + "/#range=12m")
	p.live()
	p.waitText("#chart", "No orders in this range")
	p.waitText(
		"#outside", "4 orders lie outside this range, in 4 months from May 2019 to January 2020",
	)
	p.screenshot("nothing-in-range")
}

func TestTheTableHasEveryValue(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(
		t, message(t, rand.Text(), "U", "2024-11-30", "10.50"),
		message(t, rand.Text(), "U", "2024-12-31", "20.25"),
	)
	p.visit(s.url + "/dashboard")
	p.live()
	p.press("#table summary")
	p.waitText("#table tbody", "2024-11")
	p.waitText("#table tbody", "20.25")
}

// The axis ends where the highest bar does: its top line is less than a fifth below or above.
func TestTheAxisFits(t *testing.T) {
	s := local(t)
	for _, n := range []int{1, 7, 42, 420} {
		s.months(t, n, fmt.Sprintf("2024-%02d", 1+n%12))
		p := newTab(t)
		p.visit(s.url + "/")
		p.live()
		p.wait("document.querySelector('#chart .bar')")
		air := evaluate[float64](p, `(() => {
			const bars = [...document.querySelectorAll("#chart .bar")]
				.filter((b) => Number(b.getAttribute("height")) > 0);
			const tops = bars.map((b) => Number(b.getAttribute("y")));
			return Math.min(...tops) / document.querySelector("#chart").clientHeight;
		})()`)
		if air > 0.15 {
			t.Errorf("with %d orders %.0f %% of the chart is empty above the highest bar", n, 100*air)
		}
	}
}

func TestACustomerIsLinked(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(
		t, message(t, rand.Text(), "..", "2024-05-06", "12.34"),
		message(t, rand.Text(), "U1&x=#2", "2024-05-06", "99.00"),
	)
	p.visit(s.url + "/#user=" + "..")
	p.live()
	p.waitText("#customer", "12.34")
	p.wait("document.getElementById('customer-id').value === '..'")
	p.press("#top .name")
	p.waitText("#customer", "99.00")
	if hash := evaluate[string](p, "location.hash"); hash != "#user=U1%26x%3D%232" {
		t.Errorf("the address ends with %s", hash)
	}
	p.do(chromedp.Reload())
	p.waitText("#customer", "99.00")
}

func TestRatesAndReasonsLeadOn(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(t, "broken", message(t, rand.Text(), "U1", "2024-05-06", "1.00"))
	p.visit(s.url + "/")
	p.live()
	for i := range 3 {
		s.months(t, 5, "2024-06")
		p.waitFigure("orders", 6+5*i)
	}
	p.wait("!['–', '0'].includes(document.getElementById('rate').textContent)")
	p.wait("document.querySelector('#curve path.line')")
	p.press("#reasons summary")
	p.waitText("#reasons .command code", "bin/orderctl rejected list --reason invalid_json")
	s.send(t, "broken")
	p.waitFigure("refused", 2)
	if !evaluate[bool](p, "document.querySelector('#reasons details').open") {
		t.Error("the reason closed when its count changed")
	}
	if text := evaluate[string](
		p, "document.querySelector('#reasons .command button').innerText",
	); !strings.Contains(text, "Copy") {
		t.Errorf("the button says %q", text)
	}
}
