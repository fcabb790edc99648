package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

// A taskSpec is what to enqueue. A payload that is absent is nil, which is not the same as an empty one.
type taskSpec struct {
	Type    string            `json:"type"`
	Payload *[]byte           `json:"payload"`
	Headers map[string]string `json:"headers"`
	Options optionSpec        `json:"options"`
}

// An optionSpec has asynq's options: durations in milliseconds, instants in Unix seconds, nil where not given.
type optionSpec struct {
	Queue     *string `json:"queue"`
	MaxRetry  *int    `json:"maxRetry"`
	Timeout   *int64  `json:"timeout"`
	Deadline  *int64  `json:"deadline"`
	ProcessAt *int64  `json:"processAt"`
	ProcessIn *int64  `json:"processIn"`
	TaskID    *string `json:"taskId"`
	Retention *int64  `json:"retention"`
	Group     *string `json:"group"`
	Unique    *int64  `json:"unique"`
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func (o optionSpec) options() []asynq.Option {
	var list []asynq.Option
	if o.Queue != nil {
		list = append(list, asynq.Queue(*o.Queue))
	}
	if o.MaxRetry != nil {
		list = append(list, asynq.MaxRetry(*o.MaxRetry))
	}
	if o.Timeout != nil {
		list = append(list, asynq.Timeout(milliseconds(*o.Timeout)))
	}
	if o.Deadline != nil {
		list = append(list, asynq.Deadline(time.Unix(*o.Deadline, 0)))
	}
	if o.ProcessAt != nil {
		list = append(list, asynq.ProcessAt(time.Unix(*o.ProcessAt, 0)))
	}
	if o.ProcessIn != nil {
		list = append(list, asynq.ProcessIn(milliseconds(*o.ProcessIn)))
	}
	if o.TaskID != nil {
		list = append(list, asynq.TaskID(*o.TaskID))
	}
	if o.Retention != nil {
		list = append(list, asynq.Retention(milliseconds(*o.Retention)))
	}
	if o.Group != nil {
		list = append(list, asynq.Group(*o.Group))
	}
	if o.Unique != nil {
		list = append(list, asynq.Unique(milliseconds(*o.Unique)))
	}
	return list
}

func (s taskSpec) task() *asynq.Task {
	var payload []byte
	if s.Payload != nil {
		payload = *s.Payload
		if payload == nil {
			payload = []byte{}
		}
	}
	return newTask(s.Type, payload, s.Headers)
}

func (p *peer) enqueue(line []byte) (any, error) {
	var spec taskSpec
	if err := json.Unmarshal(line, &spec); err != nil {
		return nil, err
	}
	info, err := p.client.Enqueue(spec.task(), spec.Options.options()...)
	if err != nil {
		return nil, err
	}
	return taskInfo(info), nil
}

// enqueueBulk enqueues many tasks over several connections, spread over a time, and answers how each ended: "ok", or the
// text of its error.
func (p *peer) enqueueBulk(line []byte) (any, error) {
	var r struct {
		Tasks    []taskSpec `json:"tasks"`
		Workers  int        `json:"workers"`
		SpreadMs int64      `json:"spreadMs"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	if r.Workers < 1 {
		return nil, fmt.Errorf("no workers")
	}
	began := time.Now()
	results := make([]string, len(r.Tasks))
	var wait sync.WaitGroup
	for w := 0; w < r.Workers; w++ {
		wait.Add(1)
		go func(w int) {
			defer wait.Done()
			for i := w; i < len(r.Tasks); i += r.Workers {
				due := began.Add(milliseconds(r.SpreadMs * int64(i) / int64(len(r.Tasks))))
				time.Sleep(time.Until(due))
				results[i] = p.enqueueOne(r.Tasks[i])
			}
		}(w)
	}
	wait.Wait()
	return results, nil
}

// enqueueOne tries again after an error of the connection; the task's ID makes that safe.
func (p *peer) enqueueOne(spec taskSpec) string {
	for {
		_, err := p.client.Enqueue(spec.task(), spec.Options.options()...)
		switch {
		case err == nil:
			return "ok"
		case isRefusal(err):
			return err.Error()
		}
		say(map[string]any{"event": "enqueue failed", "error": err.Error()})
		time.Sleep(time.Duration(50+rand.Intn(100)) * time.Millisecond)
	}
}
