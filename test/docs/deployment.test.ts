import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { parseDuration } from '../../src/policy/duration.ts';
import { snippet, snippets } from './readme.ts';
import { isKnownVariable, problemsOf } from './shell.ts';
import { dig, parseYaml, type Yaml } from './yaml.ts';

const PORT = String(SETTINGS.find(({ option }) => option === 'httpPort')?.defaultText);

/** Sections of an ini file; a key may stand several times. */
function parseIni(text: string): Record<string, [string, string][]> {
  const sections: Record<string, [string, string][]> = {};
  let current: [string, string][] | undefined;
  for (const line of text.split('\n').filter((each) => !/^\s*([#;].*)?$/.test(each))) {
    const [, section] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key = '', value = ''] = /^(\w+)=(.+)$/.exec(line) ?? [];
    if (section !== undefined) {
      current = [];
      sections[section] = current;
    } else {
      assert.ok(key !== '' && current !== undefined, `not a line of a unit: ${line}`);
      current.push([key, value]);
    }
  }
  return sections;
}

function valuesOf(unit: string, section: string, key: string): string[] {
  const entries = parseIni(snippet(unit).text)[section] ?? [];
  return entries.filter(([name]) => name === key).map(([, value]) => value);
}

/** Every named setting exists and accepts its value. */
function assertSettings(variables: readonly (readonly [string, string])[]): void {
  for (const [name, value] of variables) {
    assert.ok(isKnownVariable(name), `there is no setting ${name}`);
    const setting = SETTINGS.find(({ env }) => env === name);
    assert.ok(setting?.schema.safeParse(value).success ?? true, `${name}=${value}`);
  }
}

/** What a shutdown may take at most, in seconds: the sum that the README gives. */
function longestShutdown(variables: readonly (readonly [string, string])[]): number {
  const values = new Map(variables);
  const ms = ['SHUTDOWN_TIMEOUT', 'CANCEL_GRACE'].map((name) => {
    const value = values.get(name);
    assert.ok(value !== undefined, `${name} is not set`);
    return parseDuration(value);
  });
  return ms.reduce((sum, each) => sum + each, 0) / 1000 + 1;
}

function split(assignment: string): [string, string] {
  const at = assignment.indexOf('=');
  return [assignment.slice(0, at), assignment.slice(at + 1)];
}

test('the systemd unit sets what exists, starts what exists, and waits for the whole shutdown', () => {
  const variables = valuesOf('threadmill.service', 'Service', 'Environment').map(split);
  assertSettings(variables);
  const [stop] = valuesOf('threadmill.service', 'Service', 'TimeoutStopSec');
  assert.ok(Number(stop) > longestShutdown(variables));
  const [exec = ''] = valuesOf('threadmill.service', 'Service', 'ExecStart');
  assert.deepEqual(problemsOf(exec, []), []);
  const [post] = valuesOf('threadmill.service', 'Service', 'ExecStartPost');
  assert.match(post ?? '', new RegExp(`http://127\\.0\\.0\\.1:${PORT}/readyz$`));
  assert.deepEqual(valuesOf('threadmill.service', 'Service', 'RestartPreventExitStatus'), ['2']);
});

test('the systemd timer probes /healthz', () => {
  const [exec] = valuesOf('threadmill-health.service', 'Service', 'ExecStart');
  assert.ok(exec?.includes(`http://127.0.0.1:${PORT}/healthz`));
  assert.equal(valuesOf('threadmill-health.timer', 'Timer', 'OnUnitActiveSec').length, 1);
  for (const { text } of snippets.filter(({ how }) => how === 'ini')) parseIni(text);
});

/** Instructions of a Dockerfile: name and the rest, continued lines joined. */
function instructions(): (readonly [string, string])[] {
  const [found, ...others] = snippets.filter(({ how }) => how === 'dockerfile');
  assert.ok(found !== undefined && others.length === 0);
  const lines = found.text.replaceAll(/\\\n\s*/g, '').split('\n');
  return lines.map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    assert.match(name, /^(FROM|WORKDIR|COPY|RUN|ENV|USER|EXPOSE|HEALTHCHECK|CMD)$/, line);
    return [name, rest];
  });
}

function instruction(name: string): string {
  return instructions().find(([each]) => each === name)?.[1] ?? '';
}

/** The JSON list at the end of `CMD` and `HEALTHCHECK`. */
function execForm(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf('[')));
}

test('the Dockerfile sets what exists, listens to the outside, and runs the command itself', () => {
  const variables = instruction('ENV').split(' ').map(split);
  assertSettings(variables);
  assert.equal(new Map(variables).get('HTTP_HOST'), '0.0.0.0');
  assert.equal(instruction('EXPOSE'), new Map(variables).get('HTTP_PORT'));
  const [program = '', ...words] = execForm(instruction('CMD'));
  assert.deepEqual(problemsOf([program, ...words].join(' '), []), []);
  const run = snippets.find(({ text }) => text.includes('docker run'))?.text ?? '';
  const [, seconds] = /--stop-timeout (\d+)/.exec(run) ?? [];
  assert.ok(Number(seconds) > longestShutdown(variables));
  const [, assignment = ''] = /--env (\S+)/.exec(run) ?? [];
  assertSettings([split(assignment)]);
});

test('the health check of the Dockerfile tells a living server from a sick and from an absent one', async () => {
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? status : 404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [program, ...words] = execForm(instruction('HEALTHCHECK'));
  assert.equal(program, 'node');
  const args = words.map((word) => word.replace(`:${PORT}/`, `:${port}/`));
  const isHealthy = (): Promise<boolean> =>
    promisify(execFile)(process.execPath, args).then(
      () => true,
      () => false,
    );
  after(() => server.closeAllConnections());
  after(() => server.close());
  assert.equal(await isHealthy(), true);
  status = 503;
  assert.equal(await isHealthy(), false);
  server.close();
  server.closeAllConnections();
  assert.equal(await isHealthy(), false);
});

test('the Kubernetes deployment sets what exists, probes what exists, and waits for the whole shutdown', () => {
  const document = parseYaml(snippet('deployment.yaml').text);
  const pod = dig(document, 'spec', 'template', 'spec') ?? '';
  const container = dig(pod, 'containers', 0) ?? '';
  const entries = dig(container, 'env');
  assert.ok(Array.isArray(entries));
  const variables = entries.map((entry): [string, string] => [
    textAt(entry, 'name'),
    dig(entry, 'valueFrom') === undefined ? textAt(entry, 'value') : 'redis://from-a-secret',
  ]);
  assertSettings(variables);
  assert.equal(new Map(variables).get('HTTP_HOST'), '0.0.0.0');
  assert.ok(Number(dig(pod, 'terminationGracePeriodSeconds')) > longestShutdown(variables));
  assert.equal(dig(container, 'livenessProbe', 'httpGet', 'path'), '/healthz');
  assert.equal(dig(container, 'readinessProbe', 'httpGet', 'path'), '/readyz');
  assert.equal(dig(container, 'ports', 0, 'containerPort'), PORT);
  assertSelectorFits(document);
});

function textAt(value: Yaml, ...path: readonly (string | number)[]): string {
  const found = dig(value, ...path);
  assert.ok(typeof found === 'string', `no text at ${path.join('.')}`);
  return found;
}

function assertSelectorFits(document: Yaml): void {
  const wanted = dig(document, 'spec', 'selector', 'matchLabels');
  assert.deepEqual(wanted, dig(document, 'spec', 'template', 'metadata', 'labels'));
  assert.ok(wanted !== undefined);
}
