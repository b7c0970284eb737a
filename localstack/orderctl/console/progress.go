package console

import (
	"fmt"
	"sync"
	"time"
)

const (
	// linesEvery is how often progress is written where there is no terminal.
	linesEvery = 5 * time.Second
	// redrawEvery is how often a line on a terminal is rewritten.
	redrawEvery = 100 * time.Millisecond
)

// A Status is one line that changes: rewritten in place where Err is a terminal, written every few
// seconds elsewhere, never when the result is JSON and Err is no terminal.
type Status struct {
	c     *Console
	shown time.Time
}

// Status begins to show a changing line.
func (c *Console) Status() *Status {
	s := &Status{c: c}
	if !c.errTTY {
		s.shown = time.Now()
	}
	return s
}

// due says whether the line is to be written now, and notes that it is.
func (s *Status) due() bool {
	every := linesEvery
	if s.c.errTTY {
		every = redrawEvery
	}
	now := time.Now()
	if now.Sub(s.shown) < every || s.c.JSON && !s.c.errTTY {
		return false
	}
	s.shown = now
	return true
}

func (s *Status) write(text string) {
	if !s.c.errTTY {
		s.c.Notef("%s\n", text)
		return
	}
	width, _ := size(s.c.Err)
	s.c.Notef("\r\x1b[K%s", Cut(text, max(width, 40)-1))
}

// Set shows text.
func (s *Status) Set(text string) {
	if s.due() {
		s.write(text)
	}
}

// Clear erases the line from a terminal.
func (s *Status) Clear() {
	if s.c.errTTY {
		s.c.Notef("\r\x1b[K")
	}
}

// A Progress shows how far a long run is, with its rate and the time left. Its methods may be
// called by several goroutines.
type Progress struct {
	label, unit string
	start       time.Time

	mu          sync.Mutex
	status      *Status
	done, total int64
}

// Progress begins to show label. total is the number of units; -1 when it is unknown.
func (c *Console) Progress(label, unit string, total int64) *Progress {
	return &Progress{label: label, unit: unit, start: time.Now(), status: c.Status(), total: total}
}

// Add says that n more units are done.
func (p *Progress) Add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show()
}

// Set says that done of total units are done.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
	p.show()
}

// Total corrects a total that was only estimated.
func (p *Progress) Total(total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
}

func (p *Progress) show() {
	if p.status.due() {
		p.status.write(p.text())
	}
}

func (p *Progress) text() string {
	rate := float64(p.done) / max(time.Since(p.start).Seconds(), 1e-9)
	if p.total <= 0 {
		return fmt.Sprintf("%s: %s %s, %.0f/s", p.label, Count(p.done), p.unit, rate)
	}
	left := "?"
	if rate > 0 {
		left = Ago(time.Duration(float64(p.total-p.done) / rate * float64(time.Second)))
	}
	return fmt.Sprintf("%s: %s of %s %s, %d %%, %.0f/s, %s left", p.label,
		Count(p.done), Count(p.total), p.unit, 100*p.done/p.total, rate, left)
}

// Finish leaves the last state on a terminal. One unit needs no progress.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.c.errTTY && p.total != 1 {
		p.status.write(p.text() + "\n")
	}
}
