import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeLeaseToken,
  decodeServerName,
  encodeServerName,
  type ProcessMark,
  type ServerName,
} from '../../src/wire/lease-token.ts';

const SERVER_ID = '0b8e6f3a-9d0c-4c55-8f0e-3a1f6c2d7e90';
const BOOT = '7d3a1c52-0000-4000-8000-00000000beef';
const place = { boot: BOOT, pidNamespace: '4026531836', process: { pid: 12, start: '345' } };
const supervisor = { pid: 6, start: '78' };

const mark = (): fc.Arbitrary<ProcessMark> =>
  fc.record(
    {
      pid: fc.integer({ min: 1, max: 4_194_304 }),
      start: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    },
    { noNullPrototype: true },
  );
const anyName = (): fc.Arbitrary<ServerName> =>
  fc.record(
    {
      serverId: fc.uuid(),
      place: fc.record(
        {
          boot: fc.uuid(),
          pidNamespace: fc.nat().map(String),
          process: mark(),
          supervisor: mark(),
        },
        { requiredKeys: ['boot', 'pidNamespace', 'process'], noNullPrototype: true },
      ),
    },
    { requiredKeys: ['serverId'], noNullPrototype: true },
  );

test('the name of a server is its UUID, then its place where it has one', () => {
  const names: [ServerName, string][] = [
    [{ serverId: SERVER_ID }, SERVER_ID],
    [{ serverId: SERVER_ID, place }, `${SERVER_ID}@${BOOT}.4026531836.12.345`],
    [
      { serverId: SERVER_ID, place: { ...place, supervisor } },
      `${SERVER_ID}@${BOOT}.4026531836.12.345.6.78`,
    ],
  ];
  for (const [name, text] of names) {
    assert.equal(encodeServerName(name), text);
    assert.deepEqual(decodeServerName(text), name);
  }
});

test('every name is read as it was written, alone and in a token, and has no space', () => {
  const run = fc.integer({ min: 0, max: 2 ** 32 });
  const expiry = fc.integer({ min: 0, max: 99_999_999_999 });
  fc.assert(
    fc.property(anyName(), run, expiry, (name, runNumber, second) => {
      const server = encodeServerName(name);
      assert.deepEqual(decodeServerName(server), name);
      assert.match(server, /^\S+$/);
      const token = decodeLeaseToken(`${server} ${runNumber} ${second}`);
      assert.deepEqual(token, { server, run: runNumber, expiry: second });
    }),
  );
});

test('a place that cannot be read whole is none, so that nobody takes its process for dead', () => {
  const rest = `${BOOT}.4026531836`;
  const bad = [
    '',
    '.',
    BOOT,
    rest,
    `${rest}.12`,
    `${rest}.12.`,
    `${rest}..345`,
    `${rest}.0.345`,
    `${rest}.012.345`,
    `${rest}.-1.345`,
    `${rest}.1e3.345`,
    `${rest}.12.soon`,
    `${rest}.12345678901.345`,
    `.4026531836.12.345`,
    `${BOOT}..12.345`,
    `${rest}.12.345.6`,
    `${rest}.12.345.6.`,
    `${rest}.12.345.0.78`,
    `${rest}.12.345.six.78`,
    `${rest}.12.345.6.78.9`,
  ];
  for (const text of bad) {
    assert.deepEqual(decodeServerName(`${SERVER_ID}@${text}`), { serverId: SERVER_ID }, text);
  }
});

test('no text for a name makes reading it fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(decodeServerName(text).serverId, text.split('@')[0]);
    }),
  );
});

test('what is no token is told', () => {
  const bad = [
    '',
    ' ',
    'us',
    'us 7',
    'us 7 ',
    'us 7 8 ',
    ' us 7 8',
    'us  7 8',
    'us 7  8',
    'us 7 8 9',
    'u s 7 8',
    'us seven 8',
    'us 7 soon',
    'us -7 8',
    'us 7 -8',
    'us 7.5 8',
    'us 7 8.5',
    'us 7 1e9',
    'us 7 8\n',
    'us\t7\t8',
    'us 12345678901 8',
    'us 7 1234567890123',
    `${'u'.repeat(401)} 7 8`,
  ];
  for (const text of bad) assert.equal(decodeLeaseToken(text), undefined, JSON.stringify(text));
  assert.deepEqual(decodeLeaseToken('us 0 0'), { server: 'us', run: 0, expiry: 0 });
});
