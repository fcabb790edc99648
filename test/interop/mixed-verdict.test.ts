import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Life, type MixedRun, type Note, parseNotes } from './mixed-verdict.ts';

function life(name: string, notes: readonly [Note['what'], number, number?][], more = {}): Life {
  const whole = notes.map(([what, at, retried = 0]) => ({ what, task: 't', retried, at }));
  return { name, side: 'Go', notes: whole, ...more };
}

function offences(lives: readonly Life[], failures = 0, isAccepted = true): readonly string[] {
  const run: MixedRun = { lives, enqueued: [{ task: 't', failures, isAccepted }] };
  return judge(run).offences;
}

test('a task that ran once, or as often as it was to fail and once more, is in order', () => {
  assert.deepEqual(
    offences([
      life('a', [
        ['begin', 1],
        ['ok', 2],
      ]),
    ]),
    [],
  );
  const failing = life('a', [
    ['begin', 1],
    ['fail', 2],
    ['begin', 3, 1],
    ['ok', 4, 1],
  ]);
  assert.deepEqual(offences([failing], 1), []);
});

test('a task that ran twice without a kill is found', () => {
  const once = life('a', [
    ['begin', 1],
    ['ok', 2],
  ]);
  const again = life('b', [
    ['begin', 3],
    ['ok', 4],
  ]);
  assert.deepEqual(offences([once, again]), ['t on a was run again after its success']);
});

test('a repeat is in order when the server was killed while it ran the task, or before it could write the end', () => {
  const again = life('b', [
    ['begin', 90_000],
    ['ok', 90_001],
  ]);
  const cut = life('a', [['begin', 9_000]], { killedAt: 9_500 });
  assert.deepEqual(offences([cut, again]), []);
  const unwritten = life(
    'a',
    [
      ['begin', 9_000],
      ['ok', 9_400],
    ],
    { killedAt: 9_500 },
  );
  assert.deepEqual(offences([unwritten, again]), []);
  const longBefore = life(
    'a',
    [
      ['begin', 1],
      ['ok', 2],
    ],
    { killedAt: 9_500 },
  );
  assert.deepEqual(offences([longBefore, again]), ['t on a was run again after its success']);
});

test('a task that never ran, was only cut off, or only failed, is lost', () => {
  assert.deepEqual(offences([life('a', [])]), ['t was lost: never run']);
  const cut = life('a', [['begin', 1]], { killedAt: 2 });
  assert.deepEqual(offences([cut]), ['t was lost: cut on a (retried 0)']);
  assert.match(
    offences(
      [
        life('a', [
          ['begin', 1],
          ['fail', 2],
        ]),
      ],
      1,
    ).join(),
    /lost/,
  );
});

test('an execution without an end on a server that was not killed is found', () => {
  const ended = life('b', [
    ['begin', 3],
    ['ok', 4],
  ]);
  assert.deepEqual(offences([life('a', [['begin', 1]]), ended]), ['t on a began and did not end']);
});

test('two executions at the same time are found, also beside one that a kill cut off', () => {
  const slow = life('a', [
    ['begin', 1],
    ['fail', 9],
  ]);
  const other = life('b', [
    ['begin', 5],
    ['ok', 20],
  ]);
  assert.deepEqual(offences([slow, other], 1), ['t on a ran beside itself on b']);
  const cut = life('a', [['begin', 1]], { killedAt: 9 });
  assert.deepEqual(offences([cut, other]), ['t on a ran beside itself on b']);
});

test('too many failures, a run of a refused task and one of a task that nobody enqueued are found', () => {
  const failing = life('a', [
    ['begin', 1],
    ['fail', 2],
    ['begin', 3],
    ['fail', 4],
    ['begin', 5],
    ['ok', 6],
  ]);
  assert.deepEqual(offences([failing], 1), ['t failed 2 times, not 1']);
  const run = life('a', [
    ['begin', 1],
    ['ok', 2],
  ]);
  assert.deepEqual(offences([run], 0, false), ['t was refused, and run']);
  assert.deepEqual(judge({ lives: [run], enqueued: [] }).offences, [
    't was run, and nobody enqueued it',
  ]);
});

test('a log is read line by line, and a line that a kill cut in two is left out', () => {
  assert.deepEqual(parseNotes('begin t 0 77 5\nok t 0 77 6\nbeg'), [
    { what: 'begin', task: 't', retried: 0, at: 5 },
    { what: 'ok', task: 't', retried: 0, at: 6 },
  ]);
});
