package main

import (
	"encoding/json"
	"errors"

	"github.com/hibiken/asynq"
)

// schedule starts a scheduler with these entries and answers their IDs.
func (p *peer) schedule(line []byte) (any, error) {
	var r struct {
		Entries []struct {
			Spec string `json:"spec"`
			taskSpec
		} `json:"entries"`
		HeartbeatMs int64 `json:"heartbeatMs"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	if p.scheduler != nil {
		return nil, errors.New("there is a scheduler")
	}
	opts := &asynq.SchedulerOpts{LogLevel: asynq.ErrorLevel}
	hastenScheduler(opts, r.HeartbeatMs)
	p.scheduler = asynq.NewScheduler(p.redis, opts)
	ids := []string{}
	for _, entry := range r.Entries {
		id, err := p.scheduler.Register(entry.Spec, entry.task(), entry.Options.options()...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, p.scheduler.Start()
}

func (p *peer) stopSchedule([]byte) (any, error) {
	p.scheduler.Shutdown()
	p.scheduler = nil
	return nil, nil
}

// schedulerEntries are entries as JSON; the previous time is absent where Go reads the zero time.
func schedulerEntries(entries []*asynq.SchedulerEntry) []map[string]any {
	list := make([]map[string]any, 0, len(entries))
	for _, entry := range entries {
		options := []string{}
		for _, option := range entry.Opts {
			options = append(options, option.String())
		}
		fields := map[string]any{
			"id": entry.ID, "spec": entry.Spec, "type": entry.Task.Type(), "payload": entry.Task.Payload(),
			"options": options, "next": unix(entry.Next),
		}
		if !entry.Prev.IsZero() {
			fields["prev"] = unix(entry.Prev)
		}
		list = append(list, fields)
	}
	return list
}
