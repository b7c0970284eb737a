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

// A coldStart is one start of a process, in ms from its start. Python answers nothing.
type coldStart struct{ ready, answered float64 }

// start measures how long a new instance takes until it asks for its first event, and until it has
// answered it. It also measures the size of the binary, and how long Python takes to import what
// the baseline imports.
func (b *benchmark) start(ctx context.Context) error {
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
	python := func(module string) turn[coldStart] {
		return func(ctx context.Context) (coldStart, error) {
			return importTime(ctx, module, redis.URL())
		}
	}
	function := func(name string, event []byte) turn[coldStart] {
		return func(ctx context.Context) (coldStart, error) {
			return b.coldStart(ctx, name, event, redis.URL())
		}
	}
	// The first round reads the files from the disk.
	results, err := byTurns(ctx, b, "cold starts", b.size.starts+1,
		python("baseline_worker"), function("orders", batches[0]),
		python("baseline_api"), function("stats", request))
	if err != nil {
		return err
	}
	return b.reportStarts(results)
}

func (b *benchmark) reportStarts(results [][]coldStart) error {
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
	binary := func(name, note string) (megabytes string, err error) {
		facts, err := os.Stat(b.functions[name])
		if err != nil {
			return "", err
		}
		size := float64(facts.Size()) / 1e6
		b.target("binary of "+name, "≤ 12.5 MB", hundredths(size)+" MB", size <= 12.5, note)
		return hundredths(size), nil
	}
	readyMillis := func(c coldStart) float64 { return c.ready }
	for i, name := range []string{"orders", "stats"} {
		python, function := results[2*i][1:], results[2*i+1][1:]
		imported, ready := each(python, readyMillis), each(function, readyMillis)
		answered := each(function, func(c coldStart) float64 { return c.answered })
		b.target(
			"cold start of "+name, "≤ 15 ms to ready", ready.text(tenths)+" ms", ready.median() <= 15,
			"first answer after "+tenths(answered.median())+" ms",
		)
		size, err := binary(name, "stripped, as deployed")
		if err != nil {
			return err
		}
		s.row(
			name, ready.text(tenths), answered.text(tenths), size, imported.text(tenths),
			ratio(imported, ready).text(times),
		)
	}
	_, err := binary("replay", "the same")
	return err
}

// coldStart starts an instance and gives it one event.
func (b *benchmark) coldStart(
	ctx context.Context, name string, event []byte, redisURL string,
) (coldStart, error) {
	environment := statsSettings(redisURL)
	if name != "stats" {
		c, err := startCloud()
		if err != nil {
			return coldStart{}, err
		}
		defer c.stop()
		environment = c.settings(redisURL)
	}
	begun := time.Now()
	f, ready, err := startFunction(ctx, b.functions[name], environment)
	if err != nil {
		return coldStart{}, err
	}
	defer f.Close()
	answer, err := invoke(f, event)
	taken := time.Since(begun)
	if name == "stats" && err == nil {
		var response events.APIGatewayProxyResponse
		if err := json.Unmarshal(answer, &response); err != nil || response.StatusCode != http.StatusOK {
			return coldStart{}, fmt.Errorf("the stats function answered %.200s", answer)
		}
	} else if err := accepted(answer, err); err != nil {
		return coldStart{}, err
	}
	return coldStart{millis(ready), millis(taken)}, nil
}

// importTime starts Python, which is ready when it has imported a module of the baseline.
func importTime(ctx context.Context, module, redisURL string) (coldStart, error) {
	command := exec.CommandContext(
		ctx, baselinePython, "-c", "import "+module+"; print('ready', flush=True)",
	)
	command.Env = append(os.Environ(), "PYTHONPATH="+here, "REDIS_URL="+redisURL)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return coldStart{}, err
	}
	begun := time.Now()
	if err := command.Start(); err != nil {
		return coldStart{}, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	taken := time.Since(begun)
	if err != nil || line != "ready\n" {
		err = fmt.Errorf("python printed %q: %w", line, err)
	}
	return coldStart{ready: millis(taken)}, errors.Join(err, command.Wait())
}
