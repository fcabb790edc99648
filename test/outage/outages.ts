/** The ways in which Redis goes away and comes back, and what is to be seen of it from outside. */
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GivenTime, startGivenTime } from '../helpers/given-time.ts';
import type { SwallowingProxy } from '../helpers/proxy.ts';
import type { TestRedis } from '../helpers/redis.ts';

/** What an outage is made with. */
export interface Scene {
  readonly redis: TestRedis;
  readonly proxy: SwallowingProxy;
}

/** One way to go away. */
export interface Outage {
  readonly name: string;
  /** What is logged when it begins and when it is over. */
  readonly said: readonly [string, string];
  begin(scene: Scene): Promise<void>;
  end(scene: Scene): Promise<void>;
}

const AWAY = ['Redis is not reachable', 'Redis is reachable again'] as const;
const REFUSES = ['Redis refuses to write', 'Redis writes again'] as const;

export const OUTAGES: readonly Outage[] = [
  {
    name: 'is killed and started again',
    said: AWAY,
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart(),
  },
  {
    name: 'refuses connections',
    said: AWAY,
    begin: ({ proxy }) => Promise.resolve(proxy.refuse()),
    end: ({ proxy }) => Promise.resolve(proxy.accept()),
  },
  {
    name: 'hangs',
    said: AWAY,
    begin: ({ redis }) => Promise.resolve(void process.kill(redis.pid, 'SIGSTOP')),
    end: ({ redis }) => Promise.resolve(void process.kill(redis.pid, 'SIGCONT')),
  },
  {
    name: 'takes commands but no reply comes',
    said: AWAY,
    begin: ({ proxy }) => Promise.resolve(proxy.swallowReplies()),
    end: ({ proxy }) => Promise.resolve(proxy.passReplies()),
  },
  {
    name: 'is made a replica',
    said: REFUSES,
    begin: async ({ redis }) => void (await redis.client.replicaof('127.0.0.1', 1)),
    end: async ({ redis }) => void (await redis.client.replicaof('NO', 'ONE')),
  },
  {
    name: 'has too few replicas',
    said: REFUSES,
    begin: async ({ redis }) => void (await redis.client.config('SET', 'min-replicas-to-write', 1)),
    end: async ({ redis }) => void (await redis.client.config('SET', 'min-replicas-to-write', 0)),
  },
];

/** One answer of `/readyz`. */
export interface Answer {
  /** When it was there, by the clock of `Readiness`. */
  readonly atMs: number;
  readonly status: number;
  readonly problems: string;
}

/** What is being told of `/readyz`. */
export interface Readiness {
  readonly answers: Answer[];
  /** Now, in milliseconds, by a clock that counts only time that the machine gave this process. */
  now(): number;
  stop(): Promise<void>;
}

/** Asks `/readyz` again and again until it is told to stop; answers all that it was told. */
export function askReadiness(url: string): Readiness {
  const answers: Answer[] = [];
  const clock = startGivenTime();
  const end = new AbortController();
  const loop = (async () => {
    while (!end.signal.aborted) {
      answers.push(await ask(url, clock));
      await sleep(25);
    }
  })();
  const stop = async (): Promise<void> => {
    end.abort();
    await loop;
    clock.stop();
  };
  after(stop);
  return { answers, now: () => clock.ms(), stop };
}

async function ask(url: string, clock: GivenTime): Promise<Answer> {
  try {
    const response = await fetch(`${url}/readyz`);
    const { problems } = (await response.json()) as { problems: string[] };
    return { atMs: clock.ms(), status: response.status, problems: problems.join() };
  } catch (error) {
    return { atMs: clock.ms(), status: 0, problems: String(error) };
  }
}

/** The statuses in order, each once per change. */
export function changesOf(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status).filter((status, i, all) => status !== all[i - 1]);
}

/** The changes with their reasons, for the message of a comparison that fails. */
export function tellChanges(answers: readonly Answer[]): string {
  const changes = answers.filter(({ status }, i) => status !== answers[i - 1]?.status);
  const tell = ({ atMs, status, problems }: Answer): string =>
    `${Math.round(atMs)} ms: ${status} ${problems}`;
  return ['readiness changed:', ...changes.map(tell)].join('\n');
}

/** When a status was answered, milliseconds. */
export function momentsOf(answers: readonly Answer[], status: number): number[] {
  return answers.flatMap((answer) => (answer.status === status ? [answer.atMs] : []));
}
