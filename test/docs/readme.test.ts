import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '../../src/client.ts';
import { packageRoot } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { compile, makeProject, type Project, type Running } from './project.ts';
import { snippet, snippets } from './readme.ts';
import { commandsOf, problemsOf } from './shell.ts';

/** How each kind of block is checked, and by whom. */
const KINDS = new Map([
  ['file', ['js', 'ts']], // compiled and run below
  ['shell', ['sh']], // its programs and flags exist
  ['run', ['sh']], // the same, and run below
  ['ini', ['ini']], // deployment.test.ts
  ['dockerfile', ['dockerfile']],
  ['yaml', ['yaml']],
  ['acl', ['text']], // broker/redis-acl.test.ts
]);

/** The queue to which the README's commands enqueue each type. */
const QUEUE_OF = { 'primes:count': 'default', 'text:words': 'default', 'file:hash': 'low' };

let project: Project;
let complaints: string;
const started: Running[] = [];

before(async () => {
  project = makeProject();
  complaints = await compile(project);
  const texts = join(packageRoot, 'demo', 'samples', 'texts');
  cpSync(join(texts, 'gettysburg-address.txt'), join(project.app, 'book.txt'));
  writeFileSync(join(project.app, 'below.json'), '{"below":1000}');
  const line = '{"payload":{"path":"book.txt"},"processIn":"1s"}\n';
  writeFileSync(join(project.app, 'tasks.jsonl'), line.repeat(3));
});

after(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.ended));
  rmSync(project.folder, { recursive: true, force: true });
});

function start(line: string, env?: NodeJS.ProcessEnv): Running {
  const running = project.start(line.replace(/^npx /, ''), env);
  started.push(running);
  return running;
}

async function run(line: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const running = start(line, env);
  const { code, output } = await running.ended;
  assert.equal(code, 0, `${line}\n${output}`);
  return running.stdout();
}

test('every code block is marked with how it is checked', () => {
  assert.ok(snippets.length > 20);
  for (const { how, language, line } of snippets) {
    const languages = KINDS.get(how);
    assert.ok(languages, `README.md:${line}: <!-- snippet: … --> is missing above the block`);
    assert.ok(languages.includes(language), `README.md:${line}: ${how} is not for ${language}`);
  }
});

test('every module compiles under the strictest settings', () => {
  assert.equal(complaints, '');
});

test('every shell line names programs, scripts, files and flags that exist', () => {
  const files = snippets.filter(({ how }) => how === 'file').map(({ name }) => name);
  for (const { how, text, line } of snippets) {
    if (how !== 'shell' && how !== 'run') continue;
    for (const command of commandsOf(text)) {
      assert.deepEqual(problemsOf(command, files), [], `README.md:${line}: ${command}`);
    }
  }
});

test('the README, followed in a new project, runs every task it enqueues', async () => {
  const server = start('npx threadmill serve', {
    HTTP_PORT: '0',
    LOG_LEVEL: 'debug',
    GROUP_GRACE_PERIOD: '1s',
  });
  await server.says('"msg":"started"');

  const commands = snippets.filter(({ how }) => how === 'run').map(({ text }) => commandsOf(text));
  for (const command of commands.flat()) {
    const printed = await run(command);
    if (command !== 'node enqueue.js') continue;
    const promised = /console\.log\(info\?\.state.*\/\/ (.*)$/m.exec(snippet('enqueue.js').text);
    assert.equal(printed.trim(), promised?.[1]);
  }
  await run('node produce.js');
  await run('node cancel.js');
  const inspected = await run('node inspect.js');
  assert.match(inspected, /of \d+ scheduled$/m);
  await run('node group.js');
  await server.says('"msg":"counted together"');
  await server.says('"msg":"group aggregated"');
  await server.says('"msg":"words counted"'); // by the handler
  await server.says('"msg":"handler ended"'); // by the middleware
  for (const [type, queue] of Object.entries(QUEUE_OF)) {
    await server.says(`"type":"${type}","queue":"${queue}"`);
  }

  server.kill('SIGTERM');
  const { code, output } = await server.ended;
  assert.equal(code, 0, output);
  const failures = output.split('\n').filter((line) => /"level":[456]0/.test(line));
  assert.deepEqual(failures, []);
});

test('many tasks are enqueued at once, and a repeat with the same ID is no second task', async () => {
  const redis = await useRedis();
  const env = { REDIS_URL: redis.url };
  const first = await run('node enqueue-many.js', env);
  assert.match(first, /^[\w-]{36}\n[\w-]{36}\n$/);
  await run('node enqueue-many.js', env);
  const client = new Client({ redis: redis.url });
  assert.equal((await client.getTask({ id: 'book-1' }))?.type, 'file:hash');
  await client.close();
  assert.equal(await redis.client.llen('asynq:{default}:pending'), 1);
});

test('a unique task is found waiting, and is edited before it runs', async () => {
  const redis = await useRedis();
  const printed = await run('node edit.js', { REDIS_URL: redis.url });
  assert.match(printed, /^true\n[\d-]+T[\d:.]+Z\n$/);
  const [id = ''] = await redis.client.zrange('asynq:{default}:scheduled', '0', '-1');
  const client = new Client({ redis: redis.url });
  const info = await client.getTask({ id });
  await client.close();
  assert.equal(Buffer.from(info?.payload ?? []).toString(), '{"day":"2030-01-02"}');
  assert.equal(await redis.client.zcard('asynq:{default}:g:user-7'), 1);
});

test('the library example runs tasks, is observed, and ends on SIGTERM', async () => {
  const redis = await useRedis();
  const server = start('node server.js', { REDIS_URL: redis.url });
  await server.says('"msg":"started"');
  const client = new Client({ redis: redis.url });
  const { id } = await client.enqueue({ type: 'primes:count', payload: { below: 100 } });
  await server.says(`${id} took `);
  await client.close();
  server.kill('SIGTERM');
  const { code, output } = await server.ended;
  assert.equal(code, 0, output);
});

test('the example of a scheduler enqueues its ticks, and ends on SIGTERM', async () => {
  const redis = await useRedis();
  const scheduler = start('node scheduler.js', { REDIS_URL: redis.url });
  await scheduler.says('count 2');
  scheduler.kill('SIGTERM');
  const { code, output } = await scheduler.ended;
  assert.equal(code, 0, output);
  assert.ok((await redis.client.llen('asynq:{default}:pending')) > 0);
});
