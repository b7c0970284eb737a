// Package faults proves the promise that each order counts exactly once and no message disappears,
// by breaking things on purpose. Its tests run the functions' real binaries behind a Lambda Runtime
// API (package sandbox), against real redis-servers (through package link, which breaks connections
// at exact places) and a queue service with a clock of its own (package queue). Random messages
// from a recorded seed meet one fault each; an independent model says what must be
// in the store and in the queues afterwards, to the cent and to the message.
//
//	SEEDS=20 go test ./localstack/faults     tries every fault with twenty seeds (default 2)
//	SEED=7 …                                 begins with this seed (default: another one each time)
//	WRITE_RESULTS=1 …                        writes the table of results to RESULTS.md
package faults
