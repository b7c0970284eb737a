// Package faults tests that each order counts exactly once and no message disappears, by breaking
// things on purpose. It runs the functions' real binaries behind a Lambda Runtime API (package
// sandbox), with real redis-servers (through package link, which breaks connections at exact
// places), a queue service whose clock the test moves (package queue) and an S3 bucket (package
// s3test).
//
// The words of this suite:
//
//   - fault: one way to break things, such as "Redis killed inside a batch". It is a row of
//     RESULTS.md.
//   - run: one fault with one seed. The seed determines the messages and the moments of the fault.
//   - rig: the whole pipeline of one run. Its consumers are instances of the order function, its
//     replayers are instances of the replay function.
//   - inject: let the fault happen at a random chunk of bytes on the way to or from Redis.
//   - draw: decide at random whether the fault happens now. A run in which it never happens fails,
//     unless the fault is marked harmless, which means that there is nothing to inject.
//   - message: a body and its expected outcome.
//   - content: what an order says. Messages with one content are duplicates; contents with one
//     order id contradict each other.
//   - poll: deliver the messages that are visible now.
//   - drain: deliver messages, moving the clock, until the queue is empty.
//   - heal: replay what waits in the replay queue.
//   - judge: compare the figures, the queues and the archive with the model, which adds up the
//     messages with code that shares nothing with the pipeline.
//
// Run it with these variables:
//
//	SEEDS=20 go test ./localstack/faults     runs every fault with twenty seeds (default 2)
//	SEED=7 …                                 begins with this seed (default: another one each time)
//	SHARDS=3 …                               uses three shards (default: one or three, by the seed)
//	WRITE_RESULTS=1 …                        writes the table of results to RESULTS.md
package faults
