package browser_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"orderpipeline/shared/statsapi/answer"
)

// sizes of the window at which the page must look right: the narrowest phone, a tablet, a desktop.
var sizes = []struct {
	name          string
	width, height int64
}{{"320", 320, 720}, {"768", 768, 1024}, {"1440", 1440, 1000}}

// shop sends orders of two years, some of them invalid or repeated.
func shop(t *testing.T, s site) {
	t.Helper()
	var messages []string
	for i := range 400 {
		user := fmt.Sprint("U", 1000+i*i%97)
		day := fmt.Sprintf("%d-%02d-%02d", 2023+i%2, 1+(i*i+i/7)%12, 1+i%28)
		price := fmt.Sprintf("%d.%02d", 2_000+i*37%5_400, i*13%100)
		messages = append(messages, message(t, fmt.Sprint(rand.Text(), i), user, day, price))
	}
	messages = append(messages, messages[:25]...)
	messages = append(messages, "broken", "broken", `{"order_id":"x"}`,
		strings.Replace(messages[0], `"quantity":1`, `"quantity":0`, 1))
	s.send(t, messages...)
}

// drawnToSize says that the chart, if there is one, was drawn for the present size.
const drawnToSize = `(!document.querySelector("#chart svg") ||
	document.querySelector("#chart svg").viewBox.baseVal.width ===
		document.querySelector("#chart").clientWidth)`

// look checks and photographs the page at every size, light and dark, once it is ready.
func look(t *testing.T, name, address string, ready func(p *tab)) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			p := newTab(t)
			p.expectFailures() // some of what is looked at is an outage
			p.scheme(scheme)
			p.visit(address)
			ready(p)
			for _, size := range sizes {
				p.resize(size.width, size.height)
				p.wait(fmt.Sprintf("innerWidth === %d && %s", size.width, drawnToSize))
				p.fits()
				p.screenshot(name + "-" + scheme + "-" + size.name)
			}
			if name != "docs" { // whose viewer is not ours
				p.accessible()
			}
		})
	}
}

// scrollsSideways reports whether the page is wider than the window.
func (p *tab) scrollsSideways() bool {
	p.t.Helper()
	return evaluate[bool](
		p, "document.documentElement.scrollWidth > document.documentElement.clientWidth",
	)
}

// fits fails the test when something is wider than the window or than its card.
func (p *tab) fits() {
	p.t.Helper()
	if p.scrollsSideways() {
		p.t.Error("the page scrolls sideways")
	}
	wide := evaluate[[]string](p, `[...document.querySelectorAll(
		"dd, .rate, .readout, .outside, td, .command, h2, button")].filter((e) => {
		const card = e.closest(".totals dl > div, .card, header, .alarm");
		return card && e.offsetParent &&
			e.getBoundingClientRect().right > card.getBoundingClientRect().right + 0.5
			|| e.matches(".big") && e.scrollWidth > e.clientWidth + 1;
	}).map((e) => (e.id || e.className || e.tagName) + ": " + e.textContent)`)
	for _, e := range wide {
		p.t.Errorf("leaves its card: %s", e)
	}
}

func TestLooks(t *testing.T) {
	s := local(t)
	shop(t, s)
	look(t, "dashboard", s.url+"/#user=U1000", func(p *tab) {
		p.live()
		p.wait("document.querySelector('#top tbody tr') && document.querySelector('#chart .bar')")
		p.wait("document.querySelector('#customer h3')")
	})
}

func TestLooksEmpty(t *testing.T) {
	s := local(t)
	look(t, "empty", s.url+"/", func(p *tab) {
		p.live()
		p.waitText("#chart", "No orders yet")
	})
}

func TestLooksWithLargeNumbers(t *testing.T) {
	s := local(t)
	var messages []string
	for i := range 12 {
		messages = append(messages, message(
			t, fmt.Sprint(rand.Text(), i), "A customer with a rather long name "+strings.Repeat("x", 60),
			fmt.Sprintf("2024-%02d-11", i+1), "99999.99",
		))
	}
	s.send(t, append(messages, message(t, rand.Text(), "U2", "2024-06-01", "8599999.83"))...)
	s.queues.set(answer.Depth{Visible: 1_234_567, InFlight: 12_000}, 98_765, 4_321)
	look(t, "large", s.url+"/#measure=revenue", func(p *tab) {
		p.waitText("#revenue", "9,799,999.71")
		p.waitText("#state", "dead")
	})
}

func TestLooksWhileRedisIsAway(t *testing.T) {
	s := local(t)
	shop(t, s)
	s.queues.set(answer.Depth{Visible: 120, InFlight: 3_000}, 0, 4)
	look(t, "redis-away", s.url+"/", func(p *tab) {
		p.waitText("#state", "Live")
		s.freeze(t)
		p.t.Cleanup(func() { s.thaw(t) })
		p.waitText("#state", "Redis is away")
		p.waitText("#alarm", "3,120 orders wait in the queue")
	})
	s.freeze(t)
	t.Cleanup(func() { s.thaw(t) })
	look(t, "redis-away-from-the-start", s.url+"/", func(p *tab) {
		p.waitText("#alarm", "There are no figures to show yet")
	})
}

func TestLooksInPrint(t *testing.T) {
	s := local(t)
	shop(t, s)
	p := newTab(t)
	p.print("dark")
	p.resize(760, 1000)
	p.visit(s.url + "/#user=U1000")
	p.live()
	p.wait("document.querySelector('#chart .bar')")
	if ground := evaluate[string](
		p, "getComputedStyle(document.querySelector('.card')).backgroundColor",
	); ground != "rgb(255, 255, 255)" {
		t.Errorf("in print the cards are %s, want white in the dark theme, too", ground)
	}
	for _, hidden := range []string{"nav", ".ranges", "#lookup"} {
		if evaluate[bool](p, "document.querySelector("+quote(hidden)+").offsetParent !== null") {
			t.Errorf("%s is printed", hidden)
		}
	}
	p.fits()
	p.screenshot("print")
}

func TestLooksOfTheDocumentation(t *testing.T) {
	s := local(t)
	look(t, "docs", s.url+"/docs", func(p *tab) {
		p.waitText("#swagger-ui", "/stats/monthly")
		got := evaluate[string](p, "document.querySelector('nav a').href")
		if want := s.url + "/"; got != want {
			t.Errorf("the way back leads to %s, want %s", got, want)
		}
	})
}

func TestTheTabTitleTellsTheState(t *testing.T) {
	s, p := local(t), newTab(t)
	p.expectFailures()
	p.visit(s.url + "/")
	p.live()
	p.wait("document.title === '0 orders'")
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	p.wait("document.title === '1 orders' || document.title === '1 order'")
	p.do(chromedp.Click("#pause"))
	p.wait("document.title.startsWith('Paused')")
	p.do(chromedp.Click("#pause"))
	s.freeze(t)
	t.Cleanup(func() { s.thaw(t) })
	p.wait("document.title.startsWith('⚠ Redis is away')")
}

// The picture in the README, of a deployment (see deployed_test.go) or of the handler itself, while
// orders are counted. It is kept as .local/screenshots/readme.png; a person copies it to
// dashboard.png.
func TestThePictureOfTheReadme(t *testing.T) {
	s, p := open(t), newTab(t)
	shop(t, s)
	p.scheme("light")
	p.resize(1280, 1000)
	p.visit(s.url + "/#user=U1024")
	p.live()
	p.wait("document.querySelector('#customer h3')")
	for i := range 8 {
		before := p.figure("orders")
		var messages []string
		for n := range 4 + 5*i%13 {
			day := fmt.Sprintf("2024-%02d-%02d", 1+(i+n)%12, 1+n)
			messages = append(messages, message(t, rand.Text(), fmt.Sprint("U", 1000+n), day, "349.90"))
		}
		s.send(t, messages...)
		p.waitFigure("orders", before+len(messages))
	}
	p.wait("document.querySelector('#curve path.line')")
	p.waitText("#state", "Live")
	p.fits()
	p.screenshot("readme")
}
