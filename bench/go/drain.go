package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
)

// drainLimit ends a drain that hangs.
const drainLimit = 60 * time.Second

// A timing is what the tasks of a backlog took, from the last handler of the warm-up to the last of all.
type timing struct {
	PerSecond float64 `json:"perSecond"`
	// CPUMicros is CPU time of this process per task.
	CPUMicros float64 `json:"cpuMicros"`
}

// A mark is an instant, and the CPU time that this process had used until then.
type mark struct {
	at  time.Time
	cpu time.Duration
}

// drain starts a server on a backlog that is stored already, times it, and shuts it down. The handler does nothing. The
// last acknowledgements are not in the time: one per goroutine at most, in asynq's favour.
func drain(redis asynq.RedisClientOpt, r *request) (any, error) {
	var handled atomic.Int64
	first, last := make(chan mark, 1), make(chan mark, 1)
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency: r.Concurrency,
		Queues:      map[string]int{r.Queue: 1},
		LogLevel:    asynq.FatalLevel,
		// Only for an empty queue, so not in the time; the shutdown waits for it.
		TaskCheckInterval: 50 * time.Millisecond,
	})
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		switch handled.Add(1) {
		case r.WarmUp:
			first <- now()
		case r.Count:
			last <- now()
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	defer server.Shutdown()
	select {
	case end := <-last:
		begin := <-first
		tasks := float64(r.Count - r.WarmUp)
		return timing{
			PerSecond: tasks / end.at.Sub(begin.at).Seconds(),
			CPUMicros: float64((end.cpu - begin.cpu).Microseconds()) / tasks,
		}, nil
	case <-time.After(drainLimit):
		return nil, fmt.Errorf("only %d of %d tasks were handled", handled.Load(), r.Count)
	}
}

func now() mark {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	cpu := used.Utime.Nano() + used.Stime.Nano()
	return mark{at: time.Now(), cpu: time.Duration(cpu)}
}
