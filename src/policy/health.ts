/** Decides whether a server, or a fleet of child processes, is alive and ready. Facts in, a verdict with reasons out. */

/** What is known of a server at the moment of a probe. */
export interface HealthFacts {
  /** Longest time for which the main loop did not turn, lately; milliseconds. */
  readonly loopLagMs: number;
  /** Since the last heartbeat; `undefined` before the first and after the last one. */
  readonly lastHeartbeatAgeMs: number | undefined;
  readonly heartbeatIntervalMs: number;
  readonly isRedisUp: boolean;
  /** Why Redis, which answers, writes nothing now, in its own words. Nothing can be leased then. */
  readonly redisRefusal?: string | undefined;
  readonly threadsReady: number;
  readonly threadsTotal: number;
  /** The server's own word for its state. */
  readonly status: string;
  /** Whether that state is one in which it takes or finishes tasks and is not on its way out. */
  readonly isRunning: boolean;
}

/** `isOk` without problems; else every problem in words. */
export interface HealthVerdict {
  readonly isOk: boolean;
  readonly problems: readonly string[];
}

/** A loop that stood still longer than this is not alive. */
export const MAX_LOOP_LAG_MS = 5000;
/** Heartbeats that may be missed. */
export const MAX_MISSED_HEARTBEATS = 3;

/** Liveness: what a restart would heal. Redis is no part of it, since a restart does not bring Redis back. */
export function checkLiveness(facts: HealthFacts): HealthVerdict {
  const longest = MAX_MISSED_HEARTBEATS * facts.heartbeatIntervalMs;
  const age = facts.lastHeartbeatAgeMs;
  return verdict([
    facts.loopLagMs > MAX_LOOP_LAG_MS &&
      `the main loop stood still for ${Math.round(facts.loopLagMs)} ms (limit ${MAX_LOOP_LAG_MS} ms)`,
    age !== undefined &&
      age > longest &&
      `the heartbeat has not run for ${Math.round(age)} ms (limit ${longest} ms)`,
  ]);
}

/** Readiness: whether tasks that are enqueued now will be run by this server. */
export function checkReadiness(facts: HealthFacts): HealthVerdict {
  const { threadsReady, threadsTotal } = facts;
  return verdict([
    !facts.isRunning && `the server is ${facts.status}`,
    !facts.isRedisUp && 'Redis is not reachable',
    facts.redisRefusal !== undefined && `Redis refuses to write: ${facts.redisRefusal}`,
    // Never all: a thread that is being replaced is no reason to call the others away.
    threadsReady < 1 && `no thread is ready (0 of ${threadsTotal})`,
  ]);
}

/** What is known of one child process. */
export interface ChildFacts {
  readonly pid: number;
  /** Since its last sign of life, milliseconds. */
  readonly silentMs: number;
  /** What it said of itself last; `undefined` before it has a server. */
  readonly facts: HealthFacts | undefined;
  /** Whether it takes tasks from queues; one that runs suspects alone does not. */
  readonly takesTasks: boolean;
}

/** What is known of a fleet at the moment of a probe. */
export interface FleetFacts {
  /** Of the supervisor's own main loop. */
  readonly loopLagMs: number;
  /** A child that was silent for longer is not alive; milliseconds. */
  readonly maxSilenceMs: number;
  readonly isClosing: boolean;
  readonly children: readonly ChildFacts[];
}

/** Liveness of a fleet: its supervisor's loop turns, and every child answers and is alive. */
export function checkFleetLiveness(fleet: FleetFacts): HealthVerdict {
  return verdict([
    fleet.loopLagMs > MAX_LOOP_LAG_MS &&
      `the supervisor's main loop stood still for ${Math.round(fleet.loopLagMs)} ms (limit ${MAX_LOOP_LAG_MS} ms)`,
    ...fleet.children.flatMap((child) => problemsOf(child, fleet.maxSilenceMs, checkLiveness)),
  ]);
}

/** Readiness of a fleet: one child that is ready will do. */
export function checkFleetReadiness(fleet: FleetFacts): HealthVerdict {
  if (fleet.isClosing) return verdict(['the supervisor is shutting down']);
  const workers = fleet.children.filter((child) => child.takesTasks);
  const problems = workers.map((child) => problemsOf(child, fleet.maxSilenceMs, checkReadiness));
  if (problems.some((each) => each.length === 0)) return verdict([]);
  return verdict([`no child process is ready (0 of ${workers.length})`, ...problems.flat()]);
}

function problemsOf(
  { pid, silentMs, facts }: ChildFacts,
  maxSilenceMs: number,
  check: (facts: HealthFacts) => HealthVerdict,
): string[] {
  if (silentMs > maxSilenceMs) {
    const limits = `${Math.round(silentMs)} ms (limit ${maxSilenceMs} ms)`;
    return [`child process ${pid} has not answered for ${limits}`];
  }
  if (facts === undefined) {
    return check === checkLiveness ? [] : [`child process ${pid}: the server is new`];
  }
  return check(facts).problems.map((problem) => `child process ${pid}: ${problem}`);
}

function verdict(problems: readonly (string | false)[]): HealthVerdict {
  const found = problems.filter((problem) => problem !== false);
  return { isOk: found.length === 0, problems: found };
}
