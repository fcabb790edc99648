import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandlerNotFoundError } from '../../src/errors.ts';
import { reviveError, serializeError } from '../../src/serialize-error.ts';

function across(thrown: unknown): Error & Record<string, unknown> {
  return reviveError(structuredClone(serializeError(thrown))) as Error & Record<string, unknown>;
}

test('an error survives the border with all that names it', () => {
  const error = new HandlerNotFoundError('x');
  const revived = across(error);
  assert.ok(revived instanceof Error);
  assert.deepEqual(
    [revived.name, revived.message, revived.stack, revived['code']],
    [error.name, error.message, error.stack, error.code],
  );
  assert.deepEqual(Object.keys(revived), ['code']);
});

test('causes are kept five deep, and a circle ends', () => {
  const error = new Error('round');
  error.cause = error;
  let depth = 0;
  for (let at: unknown = across(error); at instanceof Error; at = at.cause) depth += 1;
  assert.equal(depth, 6);
  assert.equal(
    (across(new Error('a', { cause: 'text' })).cause as Error).message.includes('text'),
    true,
  );
});

test('message, stack and properties are bounded', () => {
  const error = Object.assign(new Error('m'.repeat(100_000)), {
    small: 1,
    large: 'p'.repeat(20_000),
    after: 2,
  });
  const { message, stack, properties } = serializeError(error);
  assert.equal(message.length, 8_192);
  assert.equal(stack?.length, 16_384);
  assert.deepEqual(properties, { small: 1, after: 2 });
});

test('only plain properties are kept', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const error = Object.assign(new Error('x'), {
    circular,
    call: () => 1,
    big: 1n,
    sub: new TypeError('inner'),
    when: new Date(0),
  });
  assert.deepEqual(serializeError(error).properties, {
    sub: 'TypeError: inner',
    when: '1970-01-01T00:00:00.000Z',
  });
});

test('getters that throw, odd fields and hostile values are survived', () => {
  const error = new Error('x');
  for (const key of ['stack', 'name', 'message', 'cause', 'code', 'other']) {
    Object.defineProperty(error, key, {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
  }
  assert.deepEqual(serializeError(error), { name: 'Error', message: '' });
  const hostile = new Proxy(new Error('x'), {
    getPrototypeOf() {
      throw new Error('no');
    },
  });
  assert.equal(serializeError(hostile).message, 'an error that could not be read');
  assert.equal(across(Object.create(null)).message, 'non-error thrown: {}');
  assert.equal(across(undefined).message, 'non-error thrown: undefined');
  assert.deepEqual(across({ status: 3 })['status'], 3);
});

test('a property cannot take the place of the message or of the prototype', () => {
  const properties = JSON.parse('{"__proto__": {"bad": true}}') as Record<string, unknown>;
  const revived = reviveError({ name: 'E', message: 'm', properties }) as Error & { bad?: unknown };
  assert.ok(revived instanceof Error);
  assert.equal(revived.bad, undefined);
});
