package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// coldStarts are the starts of one function and of what the baseline has in its place, in ms.
type coldStarts struct {
	function, module string
	event            []byte
	ready, answered  sample
	python           sample
}

// start measures how long a new instance takes until it asks for its first event, and until it has
// answered it. It also measures the size of the binary, and how long Python takes to import what
// the baseline imports.
func (b *benchmark) start(ctx context.Context) error {
	if err := b.buildFunctions(ctx); err != nil {
		return err
	}
	redis, err := startRedis()
	if err != nil {
		return err
	}
	defer redis.stop()
	request, err := json.Marshal(events.APIGatewayProxyRequest{
		Resource:   "/stats/global",
		Path:       "/stats/global",
		HTTPMethod: "GET",
		Headers:    map[string]string{"Host": "localhost"},
		RequestContext: events.APIGatewayProxyRequestContext{
			Stage:        "v1",
			ResourcePath: "/stats/global",
			HTTPMethod:   "GET",
		},
	})
	if err != nil {
		return err
	}
	batches, err := sqsEvents(b.few, eventMessages)
	if err != nil {
		return err
	}
	sides := []coldStarts{
		{function: "orders", module: "baseline_worker", event: batches[0]},
		{function: "stats", module: "baseline_api", event: request},
	}
	b.progress("cold starts")
	for round := range b.size.starts + 1 {
		for i := range sides {
			s := &sides[i]
			python, err := b.importTime(ctx, s.module, redis.URL())
			if err != nil {
				return err
			}
			ready, answered, err := b.coldStart(ctx, s.function, s.event, redis.URL())
			if err != nil {
				return err
			}
			if round > 0 { // the first one reads the files from the disk
				s.python = append(s.python, python)
				s.ready = append(s.ready, ready)
				s.answered = append(s.answered, answered)
			}
		}
	}
	return b.reportStarts(sides)
}

func (b *benchmark) reportStarts(sides []coldStarts) error {
	s := b.section(
		"Cold start and size", "function", "ready ms", "first answer ms", "binary MB",
		"Python imports ms", "×",
	)
	s.note(
		"From the start of the process until it asks the Runtime API for its first event, and until "+
			"that one is answered: 1,000 orders for the order function, /stats/global for the stats "+
			"function. %d starts after one that is not counted: files are in memory.",
		b.size.starts,
	)
	s.note(
		"Python: until the modules of the baseline's worker and API are imported; Lambda's own " +
			"runtime would come on top. 1 MB is 1,000,000 bytes.",
	)
	for _, side := range sides {
		facts, err := os.Stat(b.functions[side.function])
		if err != nil {
			return err
		}
		size := float64(facts.Size()) / 1e6
		s.row(
			side.function, side.ready.text(tenths), side.answered.text(tenths), hundredths(size),
			side.python.text(tenths), ratio(side.python, side.ready).text(times),
		)
		b.target(
			"cold start of "+side.function, "≤ 15 ms to ready", side.ready.text(tenths)+" ms",
			side.ready.median() <= 15, "first answer after "+tenths(side.answered.median())+" ms",
		)
		b.target(
			"binary of "+side.function, "≤ 12.5 MB", hundredths(size)+" MB", size <= 12.5,
			"stripped, as deployed",
		)
	}
	facts, err := os.Stat(b.functions["replay"])
	if err != nil {
		return err
	}
	size := float64(facts.Size()) / 1e6
	b.target("binary of replay", "≤ 12.5 MB", hundredths(size)+" MB", size <= 12.5, "the same")
	return nil
}

// coldStart starts an instance and gives it one event; both times are from the start of the
// process, in ms.
func (b *benchmark) coldStart(
	ctx context.Context, name string, event []byte, redisURL string,
) (ready, answered float64, err error) {
	environment := statsSettings(redisURL)
	if name != "stats" {
		c, err := startCloud()
		if err != nil {
			return 0, 0, err
		}
		defer c.stop()
		environment = c.settings(redisURL)
	}
	begun := time.Now()
	f, toReady, err := startFunction(ctx, b.functions[name], environment)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	answer, err := invoke(f, event)
	end := time.Now()
	if err != nil {
		return 0, 0, err
	}
	if name == "stats" {
		var response events.APIGatewayProxyResponse
		if err := json.Unmarshal(answer, &response); err != nil || response.StatusCode != http.StatusOK {
			return 0, 0, fmt.Errorf("the stats function answered %.200s", answer)
		}
	} else if err := accepted(answer, nil); err != nil {
		return 0, 0, err
	}
	return millis(toReady), millis(end.Sub(begun)), nil
}

// importTime is how long Python takes from its start until it has imported a module of the
// baseline, in ms.
func (b *benchmark) importTime(ctx context.Context, module, redisURL string) (float64, error) {
	command := exec.CommandContext(
		ctx, b.python, "-c", "import "+module+"; print('ready', flush=True)",
	)
	command.Env = append(os.Environ(), "PYTHONPATH="+here, "REDIS_URL="+redisURL)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	taken := time.Since(begun)
	if err != nil || line != "ready\n" {
		err = fmt.Errorf("python printed %q: %w", line, err)
	}
	return millis(taken), errors.Join(err, command.Wait())
}
