//go:build !old

package main

import (
	"errors"
	"time"

	"github.com/hibiken/asynq"
)

// What asynq has got since 0.24.1.

var errRevoke = asynq.RevokeTask

func newTask(typename string, payload []byte, headers map[string]string) *asynq.Task {
	return asynq.NewTaskWithHeaders(typename, payload, headers)
}

func headersOf(task *asynq.Task) map[string]string { return task.Headers() }

func infoHeaders(info *asynq.TaskInfo) map[string]string { return info.Headers }

func updatePayload(i *asynq.Inspector, queue, id string, payload []byte) error {
	return i.UpdateTaskPayload(queue, id, payload)
}

// hasten shortens what may be shortened, so that tests need not wait.
func hasten(config *asynq.Config) {
	config.TaskCheckInterval = 100 * time.Millisecond
	config.JanitorInterval = 500 * time.Millisecond
}

func hastenScheduler(opts *asynq.SchedulerOpts, heartbeatMs int64) {
	opts.HeartbeatInterval = milliseconds(heartbeatMs)
}

func isRefusal(err error) bool {
	return errors.Is(err, asynq.ErrDuplicateTask) || errors.Is(err, asynq.ErrTaskIDConflict)
}
