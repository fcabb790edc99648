/** Decides whether a server is alive and whether it is ready. No IO: facts in, a verdict with reasons out. */

/** What is known of a server at the moment of a probe. */
export interface HealthFacts {
  /** Longest time for which the main loop did not turn, lately; milliseconds. */
  readonly loopLagMs: number;
  /** Since the last heartbeat; `undefined` before the first and after the last one. */
  readonly lastHeartbeatAgeMs: number | undefined;
  readonly heartbeatIntervalMs: number;
  readonly isRedisUp: boolean;
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
    // Never all: a thread that is being replaced is no reason to call the others away.
    threadsReady < 1 && `no thread is ready (0 of ${threadsTotal})`,
  ]);
}

function verdict(problems: readonly (string | false)[]): HealthVerdict {
  const found = problems.filter((problem) => problem !== false);
  return { isOk: found.length === 0, problems: found };
}
