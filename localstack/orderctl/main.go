// Orderctl is the command line of the order pipeline: it sends orders, shows the numbers and the queues, and helps an
// operator with what went wrong. `orderctl --help` lists the commands and the exit codes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C ends the work in good order; a second one ends the process at once. Not in the same second:
	// programs such as timeout and make pass the same signal on twice.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
