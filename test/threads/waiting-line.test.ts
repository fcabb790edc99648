import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEnvelope } from '../../src/threads/messages.ts';
import { WaitingLine, type WaitingRun } from '../../src/threads/waiting-line.ts';
import { seededRandom } from '../helpers/random.ts';

function waiting(run: number): WaitingRun {
  return { envelope: { run } as TaskEnvelope, returns: 0 };
}

test('a line keeps its order, whatever is taken out of it and put back to its head', () => {
  const random = seededRandom(11);
  const line = new WaitingLine();
  let expected: number[] = [];
  let taken: number[] = [];
  let last = 0;
  const takeOut = (run: number): void => {
    assert.equal(line.delete(run), true);
    assert.equal(line.delete(run), false);
    expected = expected.filter((each) => each !== run);
    taken.push(run);
  };
  for (let step = 0; step < 5_000; step += 1) {
    const dice = random();
    const [head] = expected;
    if (dice < 0.5) {
      last += 1;
      line.push(waiting(last));
      expected.push(last);
    } else if (head !== undefined && dice < 0.85) {
      takeOut(head);
    } else if (expected.length > 0 && dice < 0.95) {
      takeOut(expected[Math.floor(random() * expected.length)] ?? 0);
    } else {
      const back = taken.splice(-3);
      line.putBack(back.map(waiting));
      expected = [...back, ...expected];
    }
    taken = taken.slice(-10);
    assert.equal(line.head()?.envelope.run, expected[0]);
    assert.equal(line.size, expected.length);
  }
  assert.deepEqual(line.runs(), expected);
  line.clear();
  assert.deepEqual([line.size, line.head(), line.runs()], [0, undefined, []]);
});
