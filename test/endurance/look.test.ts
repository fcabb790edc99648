import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { sumBy, sumOf } from '../../endurance/metrics-text.ts';
import { descendants, processTable } from '../../endurance/process-table.ts';
import { renderProblems } from '../../endurance/table.ts';
import { until } from '../helpers/server.ts';

const TEXT = `# HELP a_total Some.
# TYPE a_total counter
a_total{queue="q",reason="exit"} 2
a_total{queue="r",reason="exit"} 3
a_total{queue="q",reason="error"} 1
a_total_more 9
b 4
`;

test('figures are read out of an exposition, summed and by label', () => {
  assert.equal(sumOf(TEXT, 'a_total'), 6);
  assert.equal(sumOf(TEXT, 'b'), 4);
  assert.equal(sumOf(TEXT, 'c'), 0);
  assert.deepEqual(sumBy(TEXT, 'a_total', 'reason'), { exit: 5, error: 1 });
});

test('problems that differ in numbers and IDs alone are said once', () => {
  const [id, other] = [
    '2dd3b92f-fbf8-41c3-8639-e6b803bf476f',
    'dc685563-91ac-43fa-a375-50a984e773a9',
  ];
  assert.deepEqual(
    renderProblems([`task ${id} is pending`, 'thread 7 is left', `task ${other} is pending`]),
    [`task ${id} is pending (and 1 more like it)`, 'thread 7 is left'],
  );
});

test('processes below another are found at any depth, and one that nobody has waited for is a zombie', async () => {
  // The shell becomes a sleep that waits for nobody, so that its own child stays a zombie when it has ended.
  const child = spawn('sh', ['-c', 'sleep 0.1 & exec sleep 60'], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  try {
    const below = () => descendants(process.pid, processTable());
    await until(() => below().some(({ isZombie, parent }) => isZombie && parent === child.pid));
    const sleeping = below().find(({ pid }) => pid === child.pid);
    assert.match(sleeping?.command ?? '', /^sleep 60/);
    assert.equal(sleeping?.isZombie, false);
    assert.ok((sleeping?.rssMb ?? 0) > 0);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
});
