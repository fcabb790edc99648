package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// An inspectSpec names a method of the inspector and its arguments.
type inspectSpec struct {
	What    string `json:"what"`
	Queue   string `json:"queue"`
	ID      string `json:"id"`
	State   string `json:"state"`
	Group   string `json:"group"`
	Page    int    `json:"page"`
	Size    int    `json:"size"`
	Days    int    `json:"days"`
	Force   bool   `json:"force"`
	Payload []byte `json:"payload"`
}

func (s inspectSpec) page() []asynq.ListOption {
	var list []asynq.ListOption
	if s.Page > 0 {
		list = append(list, asynq.Page(s.Page))
	}
	if s.Size > 0 {
		list = append(list, asynq.PageSize(s.Size))
	}
	return list
}

func (p *peer) inspect(line []byte) (any, error) {
	var s inspectSpec
	if err := json.Unmarshal(line, &s); err != nil {
		return nil, err
	}
	i := p.inspector
	switch s.What {
	case "queues":
		return i.Queues()
	case "queue":
		return i.GetQueueInfo(s.Queue)
	case "history":
		return i.History(s.Queue, s.Days)
	case "task":
		info, err := i.GetTaskInfo(s.Queue, s.ID)
		if err != nil {
			return nil, err
		}
		return taskInfo(info), nil
	case "list":
		return p.list(s)
	case "groups":
		return i.Groups(s.Queue)
	case "servers":
		return i.Servers()
	case "scheduler entries":
		entries, err := i.SchedulerEntries()
		return schedulerEntries(entries), err
	case "scheduler events":
		return i.ListSchedulerEnqueueEvents(s.ID, s.page()...)
	case "run":
		return nil, i.RunTask(s.Queue, s.ID)
	case "archive":
		return nil, i.ArchiveTask(s.Queue, s.ID)
	case "delete":
		return nil, i.DeleteTask(s.Queue, s.ID)
	case "run all", "archive all", "delete all":
		return p.bulk(s)
	case "update payload":
		return nil, updatePayload(i, s.Queue, s.ID, s.Payload)
	case "cancel":
		return nil, i.CancelProcessing(s.ID)
	case "pause":
		return nil, i.PauseQueue(s.Queue)
	case "resume":
		return nil, i.UnpauseQueue(s.Queue)
	case "remove queue":
		return nil, i.DeleteQueue(s.Queue, s.Force)
	}
	return nil, fmt.Errorf("unknown inspection %q", s.What)
}

func (p *peer) list(s inspectSpec) (any, error) {
	i, opts := p.inspector, s.page()
	lists := map[string]func() ([]*asynq.TaskInfo, error){
		"active":      func() ([]*asynq.TaskInfo, error) { return i.ListActiveTasks(s.Queue, opts...) },
		"pending":     func() ([]*asynq.TaskInfo, error) { return i.ListPendingTasks(s.Queue, opts...) },
		"scheduled":   func() ([]*asynq.TaskInfo, error) { return i.ListScheduledTasks(s.Queue, opts...) },
		"retry":       func() ([]*asynq.TaskInfo, error) { return i.ListRetryTasks(s.Queue, opts...) },
		"archived":    func() ([]*asynq.TaskInfo, error) { return i.ListArchivedTasks(s.Queue, opts...) },
		"completed":   func() ([]*asynq.TaskInfo, error) { return i.ListCompletedTasks(s.Queue, opts...) },
		"aggregating": func() ([]*asynq.TaskInfo, error) { return i.ListAggregatingTasks(s.Queue, s.Group, opts...) },
	}
	read, known := lists[s.State]
	if !known {
		return nil, fmt.Errorf("no list of %q", s.State)
	}
	tasks, err := read()
	infos := make([]map[string]any, 0, len(tasks))
	for _, task := range tasks {
		infos = append(infos, taskInfo(task))
	}
	return infos, err
}

func (p *peer) bulk(s inspectSpec) (any, error) {
	i := p.inspector
	all := map[string]func() (int, error){
		"run all scheduled":       func() (int, error) { return i.RunAllScheduledTasks(s.Queue) },
		"run all retry":           func() (int, error) { return i.RunAllRetryTasks(s.Queue) },
		"run all archived":        func() (int, error) { return i.RunAllArchivedTasks(s.Queue) },
		"run all aggregating":     func() (int, error) { return i.RunAllAggregatingTasks(s.Queue, s.Group) },
		"archive all pending":     func() (int, error) { return i.ArchiveAllPendingTasks(s.Queue) },
		"archive all scheduled":   func() (int, error) { return i.ArchiveAllScheduledTasks(s.Queue) },
		"archive all retry":       func() (int, error) { return i.ArchiveAllRetryTasks(s.Queue) },
		"archive all aggregating": func() (int, error) { return i.ArchiveAllAggregatingTasks(s.Queue, s.Group) },
		"delete all pending":      func() (int, error) { return i.DeleteAllPendingTasks(s.Queue) },
		"delete all scheduled":    func() (int, error) { return i.DeleteAllScheduledTasks(s.Queue) },
		"delete all retry":        func() (int, error) { return i.DeleteAllRetryTasks(s.Queue) },
		"delete all archived":     func() (int, error) { return i.DeleteAllArchivedTasks(s.Queue) },
		"delete all completed":    func() (int, error) { return i.DeleteAllCompletedTasks(s.Queue) },
		"delete all aggregating":  func() (int, error) { return i.DeleteAllAggregatingTasks(s.Queue, s.Group) },
	}
	run, known := all[s.What+" "+s.State]
	if !known {
		return nil, fmt.Errorf("no such operation: %s %s", s.What, s.State)
	}
	return run()
}

// taskInfo is a task as JSON: instants in Unix seconds, 0 for none; durations in seconds; bytes in base 64.
func taskInfo(t *asynq.TaskInfo) map[string]any {
	return map[string]any{
		"id": t.ID, "queue": t.Queue, "type": t.Type, "payload": t.Payload, "state": t.State.String(),
		"maxRetry": t.MaxRetry, "retried": t.Retried, "lastErr": t.LastErr, "lastFailedAt": unix(t.LastFailedAt),
		"timeout": t.Timeout.Seconds(), "deadline": unix(t.Deadline), "group": t.Group,
		"nextProcessAt": unix(t.NextProcessAt), "retention": t.Retention.Seconds(),
		"completedAt": unix(t.CompletedAt), "result": t.Result, "isOrphaned": t.IsOrphaned,
		"headers": infoHeaders(t),
	}
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
