// Package freeport finds ports for servers that tests and benchmarks stop and start again.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Linux takes the ports of outgoing connections from 32768 upwards: a server that is down for a
// while could lose one of them. Below 10000 are the ports of well-known services.
const first, end = 10000, 32768

// Find returns a loopback port that no process uses now.
func Find() (port int, err error) {
	for range 100 {
		port = first + rand.IntN(end-first)
		var listener net.Listener
		listener, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}
