package browser_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"orderpipeline/shared/statsapi/answer"
)

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
	p.waitText("#state", "Redis is away")
	p.waitText("#alarm", "The figures below are those of")
	p.wait("document.body.dataset.state === 'error'")
	p.wait("document.getElementById('orders').innerText !== ''") // the last figures stay
	p.do(chromedp.SendKeys("#customer-id", "U1"), chromedp.Click("#lookup button"))
	p.waitText("#customer", "cannot be looked up while Redis is away")
	p.accessible()

	s.thaw(t)
	frozen = false
	p.live()
	p.wait("document.getElementById('alarm').hidden")
	p.waitText("#customer", "Spend")
}

// While Redis is away the queue fills: its depth stays live, and the page says what waits.
func TestWhatWaitsIsShownWhileRedisIsAway(t *testing.T) {
	s, p := local(t), newTab(t)
	p.expectFailures()
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	p.visit(s.url + "/")
	p.waitText("#state", "Live, all is well")
	s.freeze(t)
	t.Cleanup(func() { s.thaw(t) })
	for _, n := range []int64{3_000, 7_000} {
		s.queues.set(answer.Depth{InFlight: n}, 0, 0)
		text := map[int64]string{3_000: "3,000", 7_000: "7,000"}[n]
		p.waitText("#waiting", text)
		p.waitText("#waiting-split", text+" for their next attempt")
		p.waitText(
			"#alarm", text+" orders wait in the queue: none is lost, and each is retried within 9 minutes",
		)
	}
	got := evaluate[string](p, "document.getElementById('state').innerText")
	if want := "Redis is away"; got != want {
		t.Errorf("the state is %q, want %q", got, want)
	}
}

// "All is well" needs a queue that empties, or orders that are counted.
func TestWaitingForTheNextAttemptIsSaid(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	s.queues.set(answer.Depth{InFlight: 3_000}, 0, 0)
	p.visit(s.url + "/")
	p.waitText("#state", "Live, counting")
	p.waitText("#alarm", "3,000 orders wait for the next attempt")
	p.waitText("#state", "Waiting")

	s.queues.set(answer.Depth{Visible: 3_000}, 0, 0)
	p.waitText("#alarm", "Is the order function's event source mapping switched off?")
	s.queues.set(answer.Depth{}, 2, 0)
	p.waitText("#alarm", "2 messages failed at every attempt")
	p.waitText("#alarm .command code", "orderctl dlq redrive")
	p.screenshot("dead-letters")
	s.queues.set(answer.Depth{}, 0, 0)
	p.waitText("#state", "Live, all is well")
	p.wait("document.getElementById('alarm').hidden")
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

func TestALostConnectionIsSaid(t *testing.T) {
	s, p := local(t), newTab(t)
	p.expectFailures()
	p.visit(s.url + "/")
	p.live()
	s.gateway.broken.Store(true)
	p.waitText("#state", "No connection")
	p.waitText("#alarm", "The API cannot be reached.")
	s.gateway.broken.Store(false)
	p.live()
}

// With BROWSER_API_KEY it looks at the API of BROWSER_API_URL, which must want that key.
func TestAKeyIsAskedForOnce(t *testing.T) {
	p := newTab(t)
	p.expectFailures()
	key, address := os.Getenv("BROWSER_API_KEY"), os.Getenv("BROWSER_API_URL")
	if key == "" {
		s := local(t)
		key, address = "a-key-of-the-usage-plan", s.url
		s.gateway.key.Store(&key)
		s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	}
	p.visit(address + "/dashboard")
	p.waitText("#key-form", "This API needs a key")
	p.accessible()
	p.screenshot("key")
	enter := func(key string) {
		evaluate[chromedp.Void](p, "document.getElementById('key').value = "+quote(key))
		p.press("#key-form button")
	}
	enter("another")
	p.waitText("#key-note", "did not accept this key")
	enter(key)
	p.live()
	p.wait("document.getElementById('key-form').hidden")
	p.do(chromedp.Reload())
	p.live() // without being asked again
}

// Each refresh is one request: nothing but the overview is asked for.
func TestARefreshIsOneRequest(t *testing.T) {
	s, p := local(t), newTab(t)
	s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
	p.visit(s.url + "/#user=U1")
	p.live()
	p.wait("performance.getEntriesByType('resource').length >= 3")
	others := evaluate[[]string](
		p,
		`performance.getEntriesByType("resource").map((e) => e.name)
			.filter((name) => !name.includes("/stats/overview?"))`,
	)
	if len(others) > 0 {
		t.Errorf("the page also asks for %q", others)
	}
}

// A tab that is open all day stays below 15,000 requests, also while figures change: a refresh in
// 5.76 seconds. The page's timers are sped up, and its clock is set ten minutes ahead.
func TestATabThatIsOpenAllDayIsQuiet(t *testing.T) {
	const day = 86_400_000
	s, p := local(t), newTab(t)
	p.visit(s.url + "/")
	p.live()
	evaluate[chromedp.Void](p, `
		window.delays = [];
		const now = Date.now, later = setTimeout;
		Date.now = () => now() + 600_000;
		window.setTimeout = (run, delay) => {
			delays.push(delay);
			return later(run, Math.min(delay, 100));
		};`)
	for i := range 3 {
		s.send(t, message(t, rand.Text(), "U1", "2024-05-06", "12.34"))
		p.waitFigure("orders", i+1)
	}
	p.wait("delays.length >= 4")
	shown := evaluate[[]float64](p, "delays.slice(1)")
	evaluate[chromedp.Void](p, `
		Object.defineProperty(document, "hidden", { get: () => true });
		delays.length = 0;`)
	p.wait("delays.length >= 3")
	hidden := evaluate[[]float64](p, "delays.slice(1)")

	for name, delays := range map[string][]float64{"shown": shown, "hidden": hidden} {
		for _, delay := range delays {
			limit := 15_000.0
			if name == "hidden" {
				limit = 1_500
			}
			if day/delay > limit {
				t.Errorf("%s, the tab waits %v ms: %.0f requests a day, more than %.0f",
					name, delay, day/delay, limit)
			}
		}
	}
}
