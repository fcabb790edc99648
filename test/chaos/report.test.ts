import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, renderOutcome, replay } from './report.ts';

const NONE = { count: 0, p50Ms: 0, maxMs: 0 };
const TIMES = { count: 3, p50Ms: 1_234, maxMs: 12_000 };

const RED: Outcome = {
  seed: 7,
  seconds: 600,
  sabotage: undefined,
  findings: [{ what: 'tasks lost', cases: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }],
  effects: [{ kind: 'cut', count: 2, effective: 1, unit: 'connections cut', total: 4 }],
  failures: ['cut had no effect (2 times)'],
  recovery: { all: TIMES, death: TIMES, freeze: NONE },
  tasks: 5,
  executions: 9,
  uncertainEnqueues: 1,
  driftMs: -0.25,
  isRed: true,
};

test('a red run says what was found, how often, and how to make the same plan again', () => {
  const text = renderOutcome(RED).join('\n');
  assert.match(text, /cut +2, 1 with effect: 4 connections cut/);
  assert.match(text, /tasks lost {2}7\n +a\n +b\n +c\n +d\n +e\n +and 2 more\n/);
  assert.match(text, /recovery +p50 1\.23 s, max 12\.00 s \(3 tasks hit\)/);
  assert.match(text, /after freeze no task was hit/);
  assert.match(text, /FAILED +cut had no effect/);
  assert.match(text, /RED: seed 7, 600 s\nreplay: npm run chaos -- --seed 7 --minutes 10$/);
});

test('a replay is of the same length and sabotage', () => {
  assert.equal(replay({ ...RED, seconds: 60 }), 'npm run chaos -- --seed 7 --seconds 60');
  const broken = { ...RED, seconds: 50, sabotage: 'no-fence' };
  assert.equal(replay(broken), 'npm run chaos -- --seed 7 --seconds 50 --sabotage no-fence');
});

test('a green run needs no replay', () => {
  const lines = renderOutcome({ ...RED, isRed: false, failures: [] });
  assert.equal(lines.at(-1), 'GREEN: seed 7, 600 s');
});
