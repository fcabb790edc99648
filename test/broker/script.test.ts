import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadScript, runScript, type ScriptName } from '../../src/broker/script.ts';
import * as taskFields from '../../src/wire/task-fields.ts';
import { packageRoot } from '../helpers/paths.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const sources = join(packageRoot, 'src/broker');
const names = readdirSync(join(sources, 'lua'))
  .filter((file) => file.endsWith('.lua'))
  .map((file) => file.slice(0, -'.lua'.length) as ScriptName);

for (const name of names) {
  const { source, sha1 } = loadScript(name);

  test(`${name}.lua loads under the SHA-1 that was worked out here`, async () => {
    assert.equal(await client.script('LOAD', source), sha1);
  });

  test(`${name}.lua has its shared parts in place, each once`, () => {
    assert.doesNotMatch(source, /-- include:/);
    const locals = [...source.matchAll(/^local (?:function )?(\w+)/gm)].map(([, local]) => local);
    assert.equal(new Set(locals).size, locals.length);
  });

  test(`${name}.lua says its KEYS, ARGV and reply, and uses just the KEYS it says`, () => {
    const head = source.slice(0, source.search(/^(?!--)/m));
    const said = [...head.matchAll(/KEYS\[(\d+)\]/g)].map(([, key]) => Number(key));
    const rest = source.slice(head.length);
    const used = new Set([...rest.matchAll(/KEYS\[(\d+)\]/g)].map(([, key]) => Number(key)));
    assert.match(head, /ARGV\[1\]/);
    assert.match(head, /Returns/);
    assert.deepEqual(
      said,
      said.map((_, index) => index + 1),
    );
    // queue-info walks its containers in a loop.
    if (name !== 'queue-info')
      assert.deepEqual(
        [...used].sort((a, b) => a - b),
        said,
      );
  });

  test(`${name}.lua has one caller`, () => {
    const callers = readdirSync(sources).filter((file) => {
      if (!file.endsWith('.ts') || file === 'script.ts') return false;
      return new RegExp(`(call|runScript)\\(\\s*\\w+,\\s*'${name}'`).test(
        readFileSync(join(sources, file), 'utf8'),
      );
    });
    assert.equal(callers.length, 1, callers.join());
  });
}

test('no script uses what Redis 6.2 does not have', () => {
  for (const name of names) {
    const { source } = loadScript(name);
    assert.doesNotMatch(source, /^#!|EXPIRETIME|redis\.acl|ZMPOP|LMPOP|SINTERCARD|'(NX|GT|LT)'/m);
  }
});

test('every command that a script calls was there in Redis 6.2', async () => {
  const called = names.flatMap((name) =>
    [...loadScript(name).source.matchAll(/redis\.p?call\(\s*'(\w+)'/g)].map(
      ([, command]) => command,
    ),
  );
  const commands = [...new Set(called)].filter((command) => command !== undefined).sort();
  assert.ok(commands.length > 20, commands.join());
  for (const command of commands) {
    const known: unknown = await client.call('COMMAND', 'INFO', command);
    assert.ok(Array.isArray(known) && Array.isArray(known[0]), `${command} is no command`);
    // Redis 7 and later say since when each is there; 6.2 itself knows no other.
    const docs: unknown = await client.call('COMMAND', 'DOCS', command).catch(() => undefined);
    if (docs === undefined) continue;
    const since = /"since","(\d+)\.(\d+)/.exec(JSON.stringify(docs));
    const [major, minor] = [Number(since?.[1]), Number(since?.[2])];
    assert.ok(major < 6 || (major === 6 && minor <= 2), `${command} is of ${major}.${minor}`);
  }
});

test('the scripts use just the hash fields that Threadmill says are its own', () => {
  const used = names.flatMap((name) =>
    [...loadScript(name).source.matchAll(/\bthreadmill_\w+/g)].map(([field]) => field),
  );
  assert.deepEqual([...new Set(used)].sort(), Object.values(taskFields).sort());
});

test('a script that Redis has forgotten is loaded again', async () => {
  await seed({});
  for (let i = 0; i < 2; i++) {
    await client.script('FLUSH');
    const [reply] = await broker.enqueue(QUEUE, [{ taskId: `A${i}`, message: message('A') }]);
    assert.equal(reply?.status, 'pending');
    assert.deepEqual(await client.script('EXISTS', loadScript('enqueue').sha1), [1]);
  }
});

test('a script that fails is not sent again', async () => {
  await seed({});
  await client.set('asynq:{q}:pending', 'not a list');
  await assert.rejects(
    broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]),
    /Redis at .* answered: .*WRONGTYPE/,
  );
});

for (const protocol of [2, 3] as const) {
  test(`replies are bytes under RESP${protocol}`, async () => {
    const connection = client.duplicate({ protocol });
    const bytes = new Uint8Array(Array.from({ length: 256 }, (_, value) => value));
    await runScript(connection, 'announce', ['{a}s', '{a}w'], [10, bytes, 'task', bytes]);
    connection.disconnect();
    assert.deepEqual(await client.getBuffer('{a}s'), Buffer.from(bytes));
    assert.deepEqual(await client.hgetBuffer('{a}w', 'task'), Buffer.from(bytes));
  });
}
