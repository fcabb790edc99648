// Command contender is asynq in Go, measured beside Threadmill: a server that works off a backlog, and a client that
// enqueues on command.
//
// It reads one JSON request per line and answers each with one line, `{"n":1,"ok":…}` or `{"n":1,"error":"…"}`, one after
// the other. The first request says where Redis is. It ends with its standard input.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sys/unix"
)

// A request names what to do; each command takes its own further fields.
type request struct {
	N  int    `json:"n"`
	Do string `json:"do"`

	// connect
	Network  string `json:"network"`
	Address  string `json:"address"`
	Username string `json:"username"`
	Password string `json:"password"`
	DB       int    `json:"db"`
	TLS      bool   `json:"tls"`

	// drain and enqueue
	Queue       string `json:"queue"`
	Count       int64  `json:"count"`
	WarmUp      int64  `json:"warmUp"`
	Concurrency int    `json:"concurrency"`
	Type        string `json:"type"`
	Payload     string `json:"payload"`
}

// A contender holds what commands share.
type contender struct {
	redis  asynq.RedisClientOpt
	client *asynq.Client
}

func main() {
	c := &contender{}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		err := json.Unmarshal(lines.Bytes(), &r)
		var answer any
		if err == nil {
			answer, err = c.carryOut(&r)
		}
		reply := map[string]any{"n": r.N, "ok": answer}
		if err != nil {
			reply = map[string]any{"n": r.N, "error": err.Error()}
		}
		if err := out.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func (c *contender) carryOut(r *request) (any, error) {
	switch r.Do {
	case "connect":
		c.connect(r)
		return nil, c.client.Ping()
	case "clock":
		return monotonic(), nil
	case "drain":
		return drain(c.redis, r)
	case "enqueue":
		return c.enqueue(r)
	}
	return nil, fmt.Errorf("unknown command %s", r.Do)
}

func (c *contender) connect(r *request) {
	c.redis = asynq.RedisClientOpt{
		Network: r.Network, Addr: r.Address, Username: r.Username, Password: r.Password, DB: r.DB,
	}
	if r.TLS {
		c.redis.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.client = asynq.NewClient(c.redis)
}

// afterEnqueue is how long the answer waits: reading it is work for the process that is being measured.
const afterEnqueue = 20 * time.Millisecond

// enqueue stores one task and answers the instant at which it began to.
func (c *contender) enqueue(r *request) (any, error) {
	task := asynq.NewTask(r.Type, []byte(r.Payload))
	began := monotonic()
	if _, err := c.client.Enqueue(task, asynq.Queue(r.Queue)); err != nil {
		return nil, err
	}
	time.Sleep(afterEnqueue)
	return began, nil
}

// monotonic is the machine's monotonic clock in milliseconds, the one that Node's process.hrtime reads on Linux.
func monotonic() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return -1
	}
	return float64(now.Nano()) / 1e6
}
