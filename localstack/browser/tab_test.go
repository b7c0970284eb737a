package browser_test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it should. Each wait ends as soon as it does.
const patience = 30 * time.Second

// A tab is one page in a new profile. When the test ends it fails for whatever went wrong in
// the page: an error in the console, an exception, a dialog, a request to another host.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	host     string
	wrong    []string
	failures bool // the test makes requests fail, which the console reports
}

func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.event); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); return err },
		func() error { _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); return err },
	} {
		if err := enable(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, w := range p.wrong {
			t.Errorf("in the page: %s", w)
		}
	})
	p.resize(1280, 1000)
	return p
}

func (p *tab) event(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError &&
			!(p.failures && ev.Entry.Source == log.EntrySourceNetwork) {
			p.wrong = append(p.wrong, "console: "+ev.Entry.Text+" "+ev.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		p.wrong = append(p.wrong, "exception: "+ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError ||
			ev.Type == runtime.ConsoleAPICalledTypeWarning {
			message := "console." + string(ev.Type)
			for _, arg := range ev.Args {
				message += " " + string(arg.Value) + arg.Description
			}
			p.wrong = append(p.wrong, message)
		}
	case *page.EventJavascriptDialogOpening:
		p.wrong = append(p.wrong, "dialog: "+ev.Message)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(ev.Request.URL); err == nil && u.Scheme != "data" && u.Host != p.host {
			p.wrong = append(p.wrong, "request to another host: "+ev.Request.URL)
		}
	}
}

// expectFailures lets requests fail without failing the test.
func (p *tab) expectFailures() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = true
}

func (p *tab) visit(address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.host = u.Host
	p.mu.Unlock()
	p.do(chromedp.Navigate(address))
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// evaluate runs an expression in the page.
func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wait waits until an expression is true. Otherwise the test fails with the text of the page.
func (p *tab) wait(expression string) {
	p.t.Helper()
	begun := time.Now()
	for !evaluate[bool](p, "Boolean("+expression+")") {
		if time.Since(begun) > patience {
			p.screenshot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
			p.t.Fatalf(
				"never true: %s\nthe page says:\n%s", expression,
				evaluate[string](p, "document.body.innerText"),
			)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// waitText waits until an element, named by a CSS selector, holds a text.
func (p *tab) waitText(selector, text string) {
	p.t.Helper()
	p.wait("document.querySelector(" + quote(selector) + ")?.innerText.includes(" + quote(text) + ")")
}

// live waits until the dashboard shows figures.
func (p *tab) live() {
	p.t.Helper()
	p.waitText("#state", "Live")
}

func (p *tab) resize(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// scheme sets what the person prefers: light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// press clicks an element by script. chromedp takes what was hidden when the page was loaded for
// hidden ever after, and would wait for it.
func (p *tab) press(selector string) {
	p.t.Helper()
	evaluate[chromedp.Void](p, "document.querySelector("+quote(selector)+").click()")
}

// print shows the page as it is printed, for a person who prefers the scheme on the screen.
func (p *tab) print(name string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: "print",
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// screenshot keeps the whole page for a person to look at.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	file := filepath.Join(tools, "screenshots", name+".png")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// accessible fails the test for each rule that axe-core finds broken.
func (p *tab) accessible() {
	p.t.Helper()
	script, err := os.ReadFile(filepath.Join(tools, "axe/node_modules/axe-core/axe.min.js"))
	if err != nil {
		p.t.Fatal(err)
	}
	evaluate[chromedp.Void](p, "if (!window.axe) {"+string(script)+"}")
	found := evaluate[[]string](p, `axe.run(document).then((r) => [
		...r.violations.map((v) => v.id + ": " + v.help + "\n" +
			v.nodes.map((n) => "  " + n.target + " " + n.failureSummary).join("\n")),
		...(r.passes.length < 10 ? ["only " + r.passes.length + " rules were looked at"] : []),
	])`)
	for _, violation := range found {
		p.t.Errorf("accessibility: %s", violation)
	}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
