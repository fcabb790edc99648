/**
 * Tests that compare scores with the second in which they began. They take milliseconds, but a loaded machine may let a
 * process stand for longer than the rest of a second: a test that failed after its second had ended is tried again.
 */
import { test as declare, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';

const TRIES = 20;

/** When the first second that the present test asked for ends at the earliest, by this process's clock. */
let endsAtMs = Number.POSITIVE_INFINITY;

/**
 * Waits until Redis's clock is early in a second and answers that second, so that a test which takes less than half a
 * second can compare scores exactly.
 */
export async function earlyInSecond(client: Redis): Promise<number> {
  for (;;) {
    const askedAtMs = performance.now();
    const [seconds = 0, microseconds = 0] = (await client.time()).map(Number);
    const leftMs = (1_000_000 - microseconds) / 1_000;
    if (microseconds < 500_000) {
      endsAtMs = Math.min(endsAtMs, askedAtMs + leftMs);
      return seconds;
    }
    await new Promise((resolve) => setTimeout(resolve, leftMs));
  }
}

/**
 * As `test` of `node:test`, for bodies that begin by seeding all they need. One that fails within its second fails, and so
 * does one that never gets done within a second.
 */
export function test(name: string, body: (context: TestContext) => Promise<void>): void {
  void declare(name, async (context) => {
    for (let tries = 1; ; tries += 1) {
      endsAtMs = Number.POSITIVE_INFINITY;
      try {
        await body(context);
        return;
      } catch (error) {
        if (tries === TRIES || performance.now() < endsAtMs) throw error;
        context.diagnostic(`its second had ended: ${String(error)}`);
      }
    }
  });
}
