/** The program from outside: what it refuses, and that nothing outlives it, however it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../helpers/server.ts';
import { isAlive } from './live-view.ts';
import { RUN_ENV } from './records.ts';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const LIMIT_MS = 60_000;

function refused(...args: string[]): Promise<unknown> {
  return promisify(execFile)(process.execPath, [PROGRAM, ...args]);
}

test('a length that shows nothing, a wrong seed and an unknown sabotage are refused', async () => {
  await assert.rejects(refused('--seconds', '5'), /Give a number of at least 30/);
  await assert.rejects(refused('--seed', 'x'), /Give a number of at least 0/);
  await assert.rejects(refused('--sabotage', 'nothing'), /Allowed choices are no-fence, no-token/);
});

/** Every process that the program started and that bears a run's mark; the fleet's, that is. */
function fleetOf(program: ChildProcess): number[] {
  const all = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return all.filter((pid) => {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      return environ.includes(`${RUN_ENV}=`) && parentsOf(pid).includes(program.pid ?? 0);
    } catch {
      return false; // gone, or somebody else's
    }
  });
}

function parentsOf(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return parent > 1 ? [parent, ...parentsOf(parent)] : [];
}

const noProc = process.platform === 'linux' ? false : 'looks into /proc';

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`nothing outlives a run that ends by ${signal}`, { skip: noProc }, async () => {
    const program = spawn(process.execPath, [PROGRAM, '--seconds', '30'], { stdio: 'ignore' });
    after(() => program.kill('SIGINT'));
    const exited = once(program, 'exit');
    // Two supervisors with two children each, and a library server.
    await until(() => fleetOf(program).length >= 7, LIMIT_MS);
    const pids = fleetOf(program);
    program.kill(signal);
    await exited;
    await until(() => !pids.some(isAlive), LIMIT_MS);
  });
}
