/** Redis over TLS: the certificate is checked, by the name or address that the URL, or the Cluster, gives. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { startCli } from '../cli/process.ts';
import { freePort } from '../helpers/free-port.ts';
import { useRedis } from '../helpers/redis.ts';
import { useCluster } from '../helpers/redis-cluster.ts';

const folder = mkdtempSync(join(tmpdir(), 'threadmill-test-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const key = join(folder, 'key.pem');
const certificate = join(folder, 'cert.pem');
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
const ask = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ');
execFileSync('openssl', [...ask, ...subject, '-keyout', key, '-out', certificate], {
  stdio: 'ignore',
});
const files = ['--tls-cert-file', certificate, '--tls-key-file', key];
const settings = [...files, '--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'];
const pending = queueKeys('default').pending;

/** Enqueues one task from a process of its own: whom it trusts is read when a process starts. */
async function enqueue(
  url: string,
  trusted?: string,
): Promise<{ code: number | null; text: string }> {
  const trust = trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: trusted };
  const run = startCli(['enqueue', 't'], {
    env: { REDIS_URL: url, CONNECT_TIMEOUT: '3s', ...trust },
  });
  const { code, stdout, stderr } = await run.ended;
  return { code, text: stdout + stderr };
}

test('one server over TLS, by name and by address, and not with a certificate nobody vouches for', async () => {
  const port = await freePort();
  const redis = await useRedis({
    args: ['--tls-port', `${port}`, '--bind', '127.0.0.1', ...settings],
  });
  for (const host of ['localhost', '127.0.0.1']) {
    const { code, text } = await enqueue(`rediss://${host}:${port}`, certificate);
    assert.equal(code, 0, text);
  }
  assert.equal(await redis.client.llen(pending), 2);
  const stranger = await enqueue(`rediss://localhost:${port}`);
  assert.equal(stranger.code, 1);
  assert.match(stranger.text, /self.signed certificate/i);
  assert.equal(await redis.client.llen(pending), 2);
});

test('a Cluster over TLS', async () => {
  const port = await freePort();
  const cluster = await useCluster({
    masters: 1,
    replicas: false,
    args: ['--tls-port', `${port}`, '--tls-cluster', 'yes', ...settings],
  });
  const { code, text } = await enqueue(`rediss-cluster://localhost:${port}`, certificate);
  assert.equal(code, 0, text);
  assert.equal(await cluster.masters[0]?.redis.client.llen(pending), 1);
});
