/** The contract of `Service`, tried hard: any order of starts and stops, and nothing runs after the last stop. */
import assert from 'node:assert/strict';
import type { Service } from '../../src/runtime/service.ts';

/** Starts and stops a service in all sorts of ways; `passes` counts what it does. It ends stopped. */
export async function stressStartStop(
  service: Service,
  passes: () => number = () => 0,
): Promise<void> {
  await service.stop();
  for (let round = 0; round < 5; round += 1) {
    await service.start();
    await service.stop();
  }
  await Promise.all([service.start(), service.stop(), service.stop()]);
  await service.stop();
  const after = passes();
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
  assert.equal(passes(), after, `${service.name} still runs after it was stopped`);
}
