// Orderctl is the command line of the order pipeline: it sends orders, shows the numbers and the
// queues, and helps an operator to repair what went wrong. `orderctl --help` lists the commands and
// the exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// insist is how long after a first signal a second one ends the process at once. By then messages
// that a command held are released. Programs such as timeout and make send a signal twice.
const insist = 20 * time.Second

func main() {
	// A write to a closed pipe must return an error instead of ending the process, which would leave
	// messages hidden that a command holds.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { time.AfterFunc(insist, stop) })
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
