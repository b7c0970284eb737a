// Package freeport finds ports for servers that tests and benchmarks stop and start again.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Linux takes the ports of outgoing connections from 32768 upwards: a server that is down for a
// while could lose one of them. Below 10000 are the ports of well-known services.
const first, end = 10000, 32768

// blockPorts is the size of a block. A process that needs more ports takes several blocks.
const blockPorts = 64

// Find returns a loopback port that no process uses now. Until it is released or this process ends,
// no caller of Find gets it again, in other processes neither. So a server that is down finds its
// port free when it is started again, and clients that wait for it do not meet another server.
func Find() (port int, err error) { return ports.find() }

// Release gives back a port whose server does not run any more.
func Release(port int) { ports.release(port) }

var ports pool

// A pool holds the blocks of one process. It listens on the first port of each of them, which tells
// other processes that the block is taken. The other ports are for servers.
type pool struct {
	mu    sync.Mutex
	marks []net.Listener
	ports []int
	next  int // index of the port that is tried next: one that was released rests for a while
	given map[int]bool
}

func (p *pool) find() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for range p.ports {
			port := p.ports[p.next]
			p.next = (p.next + 1) % len(p.ports)
			if p.given[port] {
				continue
			}
			listener, err := listen(port)
			if err != nil {
				continue
			}
			p.given[port] = true
			return port, listener.Close()
		}
		if err := p.claim(); err != nil {
			return 0, err
		}
	}
}

func (p *pool) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.given, port)
}

// claim takes another block. It needs the lock.
func (p *pool) claim() error {
	if p.given == nil {
		p.given = map[int]bool{}
	}
	const blocks = (end - first) / blockPorts
	for _, block := range rand.Perm(blocks) {
		mark := first + block*blockPorts
		listener, err := listen(mark)
		if err != nil {
			continue
		}
		p.marks = append(p.marks, listener)
		p.next = len(p.ports)
		for port := mark + 1; port < mark+blockPorts; port++ {
			p.ports = append(p.ports, port)
		}
		return nil
	}
	return errors.New("find a free port: every block of ports is taken")
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
