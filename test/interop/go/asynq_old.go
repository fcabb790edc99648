//go:build old

package main

import (
	"errors"

	"github.com/hibiken/asynq"
)

// What asynq 0.24.1 has not got yet.

var errRevoke = errors.New("asynq 0.24.1 cannot revoke")

func newTask(typename string, payload []byte, _ map[string]string) *asynq.Task {
	return asynq.NewTask(typename, payload)
}

func headersOf(*asynq.Task) map[string]string { return nil }

func infoHeaders(*asynq.TaskInfo) map[string]string { return nil }

func updatePayload(*asynq.Inspector, string, string, []byte) error {
	return errors.New("asynq 0.24.1 cannot update a payload")
}

func hasten(*asynq.Config) {}

func hastenScheduler(*asynq.SchedulerOpts, int64) {}

func isRefusal(err error) bool {
	return errors.Is(err, asynq.ErrDuplicateTask) || errors.Is(err, asynq.ErrTaskIDConflict)
}
