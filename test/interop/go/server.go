package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// A serverSpec is what a server is set to; durations in milliseconds.
type serverSpec struct {
	Queues      map[string]int `json:"queues"`
	Strict      bool           `json:"strict"`
	Concurrency int            `json:"concurrency"`
	Shutdown    int64          `json:"shutdown"`
	RetryDelay  int64          `json:"retryDelay"`
	// Run hands the process over to asynq's own signal handling; it ends when the server has ended.
	Run bool `json:"run"`
	// Quiet tells no events: under load they would be most of the work.
	Quiet bool `json:"quiet"`
	// Log is a file to which each execution of the type "work" is appended.
	Log    string     `json:"log"`
	Groups *groupSpec `json:"groups"`
}

type groupSpec struct {
	Grace    int64 `json:"grace"`
	MaxDelay int64 `json:"maxDelay"`
	MaxSize  int   `json:"maxSize"`
	// HangAfterCheck never answers, as a server that dies between the check of a group and its aggregated task.
	HangAfterCheck bool `json:"hangAfterCheck"`
}

var errBusy = errors.New("busy")

func (p *peer) serve(line []byte) (any, error) {
	var spec serverSpec
	if err := json.Unmarshal(line, &spec); err != nil {
		return nil, err
	}
	config := asynq.Config{
		Concurrency:              spec.Concurrency,
		Queues:                   spec.Queues,
		StrictPriority:           spec.Strict,
		ShutdownTimeout:          milliseconds(spec.Shutdown),
		DelayedTaskCheckInterval: 200 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration {
			return milliseconds(spec.RetryDelay)
		},
		IsFailure: func(err error) bool { return !errors.Is(err, errBusy) },
		LogLevel:  asynq.ErrorLevel,
	}
	hasten(&config)
	if spec.Groups != nil {
		config.GroupGracePeriod = milliseconds(spec.Groups.Grace)
		config.GroupMaxDelay = milliseconds(spec.Groups.MaxDelay)
		config.GroupMaxSize = spec.Groups.MaxSize
		config.GroupAggregator = asynq.GroupAggregatorFunc(spec.Groups.aggregate)
	}
	acts, err := newActs(spec)
	if err != nil {
		return nil, err
	}
	p.server = asynq.NewServer(p.redis, config)
	if !spec.Run {
		return nil, p.server.Start(acts)
	}
	go func() {
		err := p.server.Run(acts)
		say(map[string]any{"event": "server ended", "error": fmt.Sprint(err)})
		os.Exit(0)
	}()
	return nil, nil
}

func (g *groupSpec) aggregate(group string, tasks []*asynq.Task) *asynq.Task {
	var parts []string
	for _, task := range tasks {
		parts = append(parts, string(task.Payload()))
	}
	say(map[string]any{"event": "aggregate", "group": group, "parts": parts})
	if g.HangAfterCheck {
		select {}
	}
	return asynq.NewTask("aggregated", []byte(strings.Join(parts, ",")))
}

func (p *peer) stop([]byte) (any, error) {
	p.server.Stop()
	return nil, nil
}

func (p *peer) shutdown([]byte) (any, error) {
	p.server.Shutdown()
	return nil, nil
}

// acts is the handler of every type: the type up to its first colon says what to do.
type acts struct {
	quiet bool
	log   *os.File
}

func newActs(spec serverSpec) (*acts, error) {
	a := &acts{quiet: spec.Quiet}
	if spec.Log == "" {
		return a, nil
	}
	file, err := os.OpenFile(spec.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	a.log = file
	return a, err
}

func (a *acts) ProcessTask(ctx context.Context, task *asynq.Task) error {
	if !a.quiet {
		say(seen("begin", ctx, task))
	}
	err := a.act(ctx, task)
	if !a.quiet {
		event := seen("end", ctx, task)
		event["error"] = fmt.Sprint(err)
		say(event)
	}
	return err
}

// seen is all that a handler can see of its task.
func seen(event string, ctx context.Context, task *asynq.Task) map[string]any {
	id, _ := asynq.GetTaskID(ctx)
	queue, _ := asynq.GetQueueName(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	maxRetry, _ := asynq.GetMaxRetry(ctx)
	fields := map[string]any{
		"event": event, "id": id, "queue": queue, "retried": retried, "maxRetry": maxRetry,
		"type": task.Type(), "payload": task.Payload(), "headers": headersOf(task),
	}
	if deadline, ok := ctx.Deadline(); ok {
		fields["deadline"] = deadline.Unix()
	}
	return fields
}

func (a *acts) act(ctx context.Context, task *asynq.Task) error {
	name, _, _ := strings.Cut(task.Type(), ":")
	switch name {
	case "ok", "aggregated":
		return nil
	case "result":
		_, err := task.ResultWriter().Write(task.Payload())
		return err
	case "fail":
		return errors.New("boom")
	case "skip":
		return fmt.Errorf("no use: %w", asynq.SkipRetry)
	case "revoke":
		return errRevoke
	case "panic":
		panic("boom")
	case "busy":
		return errBusy
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	case "hang":
		select {}
	case "work":
		return a.work(ctx, task)
	}
	return fmt.Errorf("handler not found for task %q", task.Type())
}

// A job is a task of the mixed fleet: it takes so long, and fails while it was retried less often than told. One with a
// gate waits first until that file is there.
type job struct {
	Key      int    `json:"key"`
	Ms       int64  `json:"ms"`
	Failures int    `json:"failures"`
	Gate     string `json:"gate"`
}

func (a *acts) work(ctx context.Context, task *asynq.Task) error {
	var j job
	if err := json.Unmarshal(task.Payload(), &j); err != nil {
		return err
	}
	id, _ := asynq.GetTaskID(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	a.note("begin", id, retried)
	for j.Gate != "" && isMissing(j.Gate) {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(milliseconds(j.Ms))
	if retried < j.Failures {
		a.note("fail", id, retried)
		return errors.New("boom")
	}
	a.note("ok", id, retried)
	return nil
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

// note appends one line in one write, so that a kill -9 cuts none in two.
func (a *acts) note(what, id string, retried int) {
	line := fmt.Sprintf("%s %s %d %d %d\n", what, id, retried, os.Getpid(), time.Now().UnixMilli())
	if _, err := a.log.WriteString(line); err != nil {
		panic(err)
	}
}
