/** The programs of `docs/asynq.md`, compiled and run: both directions, and the unique task of both sides. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '../../src/client.ts';
import { compile, makeProject, type Running } from '../docs/project.ts';
import { snippetsOf } from '../docs/readme.ts';
import { packageRoot } from '../helpers/paths.ts';
import { endWithParent, useRedis } from '../helpers/redis.ts';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/server.ts';

const snippets = snippetsOf(readFileSync(join(packageRoot, 'docs', 'asynq.md'), 'utf8'));
const port = await freePort(); // asynq's own reader of addresses is part of the example
await useRedis({ args: ['--bind', '127.0.0.1', '--port', `${port}`] });
const REDIS_URL = `redis://127.0.0.1:${port}`;

const project = makeProject(snippets);
const goFolder = mkdtempSync(join(tmpdir(), 'threadmill-docs-go-'));
const started: (Running | ChildProcess)[] = [];
after(async () => {
  for (const each of started) each.kill('SIGKILL');
  rmSync(project.folder, { recursive: true, force: true });
  rmSync(goFolder, { recursive: true, force: true });
});

assert.equal(await compile(project), '');
const programs = await buildGo();

/** Every Go snippet is a program in a folder of its own, in one module with the requirements of the peers. */
async function buildGo(): Promise<string[]> {
  const module = join(packageRoot, 'test', 'interop', 'go');
  for (const name of ['go.mod', 'go.sum']) copyFileSync(join(module, name), join(goFolder, name));
  const names: string[] = [];
  for (const { how, name, text } of snippets) {
    if (how !== 'go') continue;
    const path = join(goFolder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
    names.push(dirname(name));
  }
  const run = promisify(execFile);
  const { stdout: unformatted } = await run('gofmt', ['-l', '.'], { cwd: goFolder });
  assert.equal(unformatted, '', 'gofmt would change these');
  await run('go', ['vet', './...'], { cwd: goFolder });
  mkdirSync(join(goFolder, 'bin'));
  await run('go', ['build', '-o', 'bin/', './...'], { cwd: goFolder });
  return names;
}

function goProgram(name: string): string {
  assert.ok(programs.includes(name));
  return join(goFolder, 'bin', name);
}

async function runGo(name: string): Promise<string> {
  const env = { ...process.env, REDIS_URL };
  const { stdout } = await promisify(execFile)(goProgram(name), [], { env, timeout: 180_000 });
  return stdout;
}

function node(line: string): Running {
  const running = project.start(line, { REDIS_URL, HTTP_PORT: 'off' });
  started.push(running);
  return running;
}

async function runNode(line: string): Promise<string> {
  const running = node(line);
  const { code, output } = await running.ended;
  assert.equal(code, 0, output);
  return running.stdout();
}

test('docs/asynq.md: what the Go program enqueues is run by the Node handler, and Go reads the result', async () => {
  const [shown] = snippets.flatMap(
    ({ text }) => /fmt\.Println\(string\(task\.Result\)\) \/\/ (.*)/.exec(text)?.[1] ?? [],
  );
  const server = node('threadmill serve --queues node');
  await server.says('"msg":"started"');
  assert.equal((await runGo('producer')).trim(), shown);
});

test('docs/asynq.md: what the Node program enqueues is run by the Go worker, with its header', async () => {
  const env = { ...process.env, REDIS_URL };
  const worker = spawn(goProgram('worker'), [], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  endWithParent(worker);
  started.push(worker);
  let said = '';
  worker.stdout?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const [queue = '', id = ''] = (await runNode('node enqueue-mail.js')).trim().split(' ');
  const client = new Client({ redis: REDIS_URL });
  await until(async () => (await client.getTask({ queue, id }))?.state === 'completed');
  const info = await client.getTask({ queue, id });
  assert.equal(Buffer.from(info?.result ?? '').toString(), 'sent to ann@example.org');
  assert.match(said, /trace abc/);
  await client.close();
});

test('docs/asynq.md: the unique task of both programs is one task', async () => {
  assert.equal(await runGo('unique'), 'enqueued\n');
  assert.equal(await runNode('node unique.js'), 'it waits or runs already\n');
  assert.equal(await runGo('unique'), 'it waits or runs already\n');
});
