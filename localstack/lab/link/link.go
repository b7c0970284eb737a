// Package link is a TCP proxy that breaks a connection at an exact place of the conversation: it
// cuts it inside a pipeline, holds back a reply, or leads to another server.
package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// A Chunk is some bytes on their way. A long request arrives in several chunks.
type Chunk struct {
	Up   bool // from the client to the server
	Data []byte
}

// A Verdict says what happens to a chunk and its connection.
type Verdict struct {
	pass int // bytes; -1: all
	then ending
}

type ending int

const (
	keepOpen ending = iota
	closed
	silent
)

// Pass forwards the chunk.
func Pass() Verdict { return Verdict{-1, keepOpen} }

// Cut forwards the first bytes of the chunk and ends the connection on both sides.
func Cut(bytes int) Verdict { return Verdict{bytes, closed} }

// Swallow forwards the first bytes of the chunk, and from then on nothing in either direction, on a
// connection that stays open: as when a router forgot it.
func Swallow(bytes int) Verdict { return Verdict{bytes, silent} }

// A Link leads from its own address to a server's.
type Link struct {
	listener net.Listener
	serving  sync.WaitGroup

	judging sync.RWMutex // held for reading while watch runs
	watch   func(Chunk) Verdict

	mu     sync.Mutex
	target string
	pairs  map[*pair]struct{}
	dialed int
	closed bool
}

// Start starts a link to a server. Close ends it.
func Start(target string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, pairs: map[*pair]struct{}{}}
	l.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.serving.Go(func() { l.serve(conn) })
		}
	})
	return l, nil
}

// Close ends all connections and waits until nothing of the link runs any more.
func (l *Link) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.listener.Close()
	l.Drop()
	l.serving.Wait()
}

// Addr is host:port.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Lead makes new connections go to another server. Open connections stay.
func (l *Link) Lead(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
}

// Watch asks f about every chunk, from many goroutines; nil passes everything. While f runs, its
// chunk waits. Watch returns when the function that it replaces is not running any more.
func (l *Link) Watch(f func(Chunk) Verdict) {
	l.judging.Lock()
	defer l.judging.Unlock()
	l.watch = f
}

// Connections is how many connections were made so far.
func (l *Link) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialed
}

// Drop ends all connections.
func (l *Link) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.close()
	}
}

// Silence makes all open connections pass nothing any more, without ending them. New connections
// are not affected.
func (l *Link) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.silence()
	}
}

// A pair is one connection: its client's side and its server's side.
type pair struct {
	client, server net.Conn
	mute           chan struct{} // closed: nothing is forwarded any more
	once           sync.Once
}

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

func (p *pair) silence() { p.once.Do(func() { close(p.mute) }) }

func (l *Link) serve(client net.Conn) {
	l.mu.Lock()
	target := l.target
	l.dialed++
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	p := &pair{client: client, server: server, mute: make(chan struct{})}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		p.close()
		return
	}
	l.pairs[p] = struct{}{}
	l.mu.Unlock()
	var group sync.WaitGroup
	group.Go(func() { l.copy(p, p.server, p.client, true) })
	group.Go(func() { l.copy(p, p.client, p.server, false) })
	group.Wait()
	p.close()
	l.mu.Lock()
	delete(l.pairs, p)
	l.mu.Unlock()
}

func (l *Link) copy(p *pair, to, from net.Conn, up bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		muted := false
		select {
		case <-p.mute:
			muted = true
		default:
		}
		if n > 0 && !muted {
			verdict := l.judge(Chunk{up, buffer[:n]})
			if verdict.pass < 0 || verdict.pass > n {
				verdict.pass = n
			}
			if verdict.pass > 0 {
				if _, err := to.Write(buffer[:verdict.pass]); err != nil {
					p.close()
					return
				}
			}
			switch verdict.then {
			case closed:
				p.close()
				return
			case silent:
				p.silence()
			}
		}
		if err != nil {
			p.close()
			return
		}
	}
}

func (l *Link) judge(c Chunk) Verdict {
	l.judging.RLock()
	defer l.judging.RUnlock()
	if l.watch == nil {
		return Pass()
	}
	return l.watch(c)
}
