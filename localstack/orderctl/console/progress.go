package console

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// linesEvery is how often progress is said where there is no terminal.
const linesEvery = 5 * time.Second

// A Progress shows how far a long run is: a bar with rate and time left where Err is a terminal, a line every few
// seconds elsewhere, nothing when the result is JSON and Err is no terminal. Its methods may be called by several
// goroutines.
type Progress struct {
	c     *Console
	label string
	unit  string
	start time.Time

	mu          sync.Mutex
	bar         *progressbar.ProgressBar
	done, total int64
	said        time.Time
}

// Progress begins to show label. total is how many units there will be; -1 when nobody knows.
func (c *Console) Progress(label, unit string, total int64) *Progress {
	now := c.Now()
	p := &Progress{c: c, label: label, unit: unit, start: now, said: now, total: total}
	if c.errTTY {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(c.Err),
			progressbar.OptionSetDescription(label),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSpinnerType(14),
			progressbar.OptionSetTheme(progressbar.ThemeASCII),
		)
	}
	return p
}

// Add says that n more are done.
func (p *Progress) Add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show()
}

// Set says that done of total are done; total may change while it runs, -1 when nobody knows.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	p.setTotal(total)
	p.show()
}

// Total says how many there will be, where that is only guessed along the way.
func (p *Progress) Total(total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setTotal(total)
}

func (p *Progress) setTotal(total int64) {
	if total == p.total {
		return
	}
	p.total = total
	if p.bar != nil {
		p.bar.ChangeMax64(total)
	}
}

func (p *Progress) show() {
	if p.bar != nil {
		_ = p.bar.Set64(p.done) // a terminal that cannot be written to is no reason to stop sending
		return
	}
	if now := p.c.Now(); !p.c.JSON && now.Sub(p.said) >= linesEvery {
		p.said = now
		p.c.Notef("%s\n", p.text(now))
	}
}

func (p *Progress) text(now time.Time) string {
	rate := float64(p.done) / max(now.Sub(p.start).Seconds(), 1e-9)
	if p.total <= 0 {
		return fmt.Sprintf("%s: %s %s, %.0f/s", p.label, Count(p.done), p.unit, rate)
	}
	left := "?"
	if rate > 0 {
		left = Ago(time.Duration(float64(p.total-p.done) / rate * float64(time.Second)))
	}
	return fmt.Sprintf("%s: %s of %s %s, %.0f/s, %s left", p.label, Count(p.done), Count(p.total), p.unit, rate, left)
}

// Finish ends the showing and leaves the last state on the terminal.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.RenderBlank()
		_ = p.bar.Set64(p.done)
		_ = p.bar.Exit()
		p.c.Notef("\n")
	}
}

// A Status is one line that changes: rewritten in place where Err is a terminal, said anew every few seconds elsewhere.
type Status struct {
	c    *Console
	said time.Time
}

// Status begins to show a changing line.
func (c *Console) Status() *Status { return &Status{c: c, said: c.Now()} }

// Set shows text.
func (s *Status) Set(text string) {
	if s.c.errTTY {
		s.c.Notef("\r\x1b[K%s", Cut(text, s.c.errColumns()-1))
		return
	}
	if now := s.c.Now(); !s.c.JSON && now.Sub(s.said) >= linesEvery {
		s.said = now
		s.c.Notef("%s\n", text)
	}
}

// Clear takes the line away.
func (s *Status) Clear() {
	if s.c.errTTY {
		s.c.Notef("\r\x1b[K")
	}
}
