/** Random messages for property-based tests. */
import fc from 'fast-check';
import type { TaskMessage } from '../../src/wire/task-message.ts';

const text = (): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength: 80 });
const int64 = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.nat(200),
    fc.maxSafeInteger(),
    fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }),
  );
const int32 = (): fc.Arbitrary<number> =>
  fc.oneof(fc.nat(200), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));

/** Any message that the wire can hold. */
export function anyTaskMessage(): fc.Arbitrary<TaskMessage> {
  return fc.record(
    {
      type: text(),
      payload: fc.uint8Array({ maxLength: 300 }),
      id: text(),
      queue: text(),
      retry: int32(),
      retried: int32(),
      errorMsg: text(),
      timeout: int64(),
      deadline: int64(),
      uniqueKey: text(),
      lastFailedAt: int64(),
      retention: int64(),
      completedAt: int64(),
      groupKey: text(),
      headers: fc.dictionary(text(), text(), { maxKeys: 4, noNullPrototype: true }),
    },
    { noNullPrototype: true },
  );
}
