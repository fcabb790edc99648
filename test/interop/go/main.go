// Command peer is a real asynq beside Threadmill: client, server, scheduler and inspector in one process.
//
// It reads one JSON request per line and answers each with one line, `{"n":1,"ok":…}` or `{"n":1,"error":"…"}`. What
// happens meanwhile is told by lines with an "event". The only argument says where Redis is: `unix:/path`,
// `tcp:host:port` or `cluster:host:port,host:port`. It ends with its standard input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hibiken/asynq"
)

// A request names what to do; each command takes its own further fields.
type request struct {
	N  int    `json:"n"`
	Do string `json:"do"`
}

// A peer holds what commands share.
type peer struct {
	redis     asynq.RedisConnOpt
	client    *asynq.Client
	inspector *asynq.Inspector
	server    *asynq.Server
	scheduler *asynq.Scheduler
}

// A command gets the whole line of its request.
type command func(p *peer, line []byte) (any, error)

var commands = map[string]command{
	"enqueue":      (*peer).enqueue,
	"enqueueBulk":  (*peer).enqueueBulk,
	"serve":        (*peer).serve,
	"stop":         (*peer).stop,
	"shutdown":     (*peer).shutdown,
	"inspect":      (*peer).inspect,
	"schedule":     (*peer).schedule,
	"stopSchedule": (*peer).stopSchedule,
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: peer unix:/path | tcp:host:port | cluster:host:port,…")
		os.Exit(2)
	}
	opt := connection(os.Args[1])
	p := &peer{redis: opt, client: asynq.NewClient(opt), inspector: asynq.NewInspector(opt)}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<16), 1<<26)
	for lines.Scan() {
		line := append([]byte(nil), lines.Bytes()...)
		go p.answer(line) // some commands wait for others
	}
}

func connection(where string) asynq.RedisConnOpt {
	network, address, _ := strings.Cut(where, ":")
	if network == "cluster" {
		return asynq.RedisClusterClientOpt{Addrs: strings.Split(address, ",")}
	}
	return asynq.RedisClientOpt{Network: network, Addr: address}
}

func (p *peer) answer(line []byte) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		say(map[string]any{"error": err.Error()})
		return
	}
	run, known := commands[r.Do]
	if !known {
		say(map[string]any{"n": r.N, "error": "unknown command " + r.Do})
		return
	}
	answer, err := run(p, line)
	if err != nil {
		say(map[string]any{"n": r.N, "error": err.Error()})
		return
	}
	say(map[string]any{"n": r.N, "ok": answer})
}

var out sync.Mutex

// say writes one line for whoever drives this process.
func say(fields map[string]any) {
	line, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	_, _ = os.Stdout.Write(append(line, '\n'))
}
