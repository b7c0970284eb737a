package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A load is a closed loop over HTTP: each connection sends a request, reads the whole answer, and
// sends the next one. It speaks plain HTTP/1.1 over sockets, because what the load uses of the two
// cores the server under test can't.
type load struct {
	addr        string
	requests    [][]byte // sent in turn
	connections int
	warmUp      time.Duration // not counted
	duration    time.Duration
}

// A loadResult is what a load saw.
type loadResult struct {
	rate     float64 // answers a second
	p50, p99 float64 // time until the answer, in ms
}

// get writes a request as a client does.
func get(path string) []byte {
	return []byte(
		"GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n",
	)
}

func (l load) run(ctx context.Context) (loadResult, error) {
	begun := time.Now()
	counting, end := begun.Add(l.warmUp), begun.Add(l.warmUp+l.duration)
	took := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	var group sync.WaitGroup
	for i := range l.connections {
		group.Go(func() { took[i], errs[i] = l.connection(ctx, i, counting, end) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return loadResult{}, err
	}
	all := slices.Concat(took...)
	return loadResult{
		float64(len(all)) / l.duration.Seconds(),
		millis(percentile(all, 0.5)),
		millis(percentile(all, 0.99)),
	}, nil
}

func (l load) connection(
	ctx context.Context, first int, counting, end time.Time,
) ([]time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end.Add(30 * time.Second)); err != nil {
		return nil, err
	}
	answers := bufio.NewReaderSize(conn, 64<<10)
	var took []time.Duration
	for at := first * 7919; ctx.Err() == nil; at++ {
		sent := time.Now()
		if sent.After(end) {
			return took, nil
		}
		if _, err := conn.Write(l.requests[at%len(l.requests)]); err != nil {
			return nil, err
		}
		if err := readAnswer(answers); err != nil {
			return nil, err
		}
		if sent.After(counting) {
			took = append(took, time.Since(sent))
		}
	}
	return nil, ctx.Err()
}

// readAnswer reads one answer to its end. Any other status than 200 is an error.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("the server answered %q", line)
	}
	length, chunked := 0, false
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	if !chunked {
		_, err = r.Discard(length)
		return err
	}
	if _, err := io.Copy(io.Discard, httputil.NewChunkedReader(r)); err != nil {
		return err
	}
	_, err = r.Discard(len("\r\n")) // the end of the trailers, of which there are none
	return err
}
