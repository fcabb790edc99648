/** A private Redis Cluster per test file: masters that share the slots evenly, each with a replica. */
import { slotOf } from '../../src/broker/cluster-map.ts';
import { freePort } from './free-port.ts';
import { type TestRedis, useRedis } from './redis.ts';
import { until } from './server.ts';

/** One server of a Cluster. */
export interface ClusterNode {
  readonly redis: TestRedis;
  readonly port: number;
  /** The name that the Cluster gave it. */
  readonly id: string;
}

/** A running private Cluster. */
export interface TestCluster {
  /** `redis-cluster://…`, with the address of every server. */
  readonly url: string;
  readonly masters: readonly ClusterNode[];
  readonly replicas: readonly ClusterNode[];
  /** The server that was given the slot of this key. */
  masterOf(key: string): ClusterNode;
}

/** How long a server is silent before the others vote it out. A busy machine is silent for a while too. */
const NODE_TIMEOUT_MS = 2000;
const SLOTS = 16_384;

/** Starts a Cluster, with further arguments for each of its servers. It is ended after the tests of the file. */
export async function useCluster(
  options: { masters?: number; replicas?: boolean; args?: readonly string[] } = {},
): Promise<TestCluster> {
  const { masters: count = 3, replicas: hasReplicas = true, args = [] } = options;
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < count * (hasReplicas ? 2 : 1); i++) nodes.push(await startNode(args));
  const masters = nodes.slice(0, count);
  const replicas = nodes.slice(count);
  await giveSlots(masters);
  await meet(nodes);
  await Promise.all(
    replicas.map(({ redis }, i) => redis.client.cluster('REPLICATE', masters[i]?.id ?? '')),
  );
  await until(() => isWhole(nodes, replicas), 60_000);
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    replicas,
    masterOf: (key) => {
      const master = masters[Math.floor((slotOf(key) * count) / SLOTS)];
      if (master === undefined) throw new Error('no master');
      return master;
    },
  };
}

async function startNode(args: readonly string[]): Promise<ClusterNode> {
  const port = await freePort();
  const redis = await useRedis({
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      `${NODE_TIMEOUT_MS}`,
      '--cluster-replica-validity-factor',
      '0',
      '--repl-diskless-sync-delay',
      '0',
      '--bind',
      '127.0.0.1',
      '--port',
      `${port}`,
      ...args,
    ],
  });
  return { redis, port, id: await redis.client.cluster('MYID') };
}

async function giveSlots(masters: readonly ClusterNode[]): Promise<void> {
  const bounds = masters.map((_, i) => Math.ceil((i * SLOTS) / masters.length));
  await Promise.all(
    masters.map(async ({ redis }, i) => {
      const [first = 0, next = SLOTS] = bounds.slice(i);
      const slots = Array.from({ length: next - first }, (_, offset) => first + offset);
      await redis.client.call('CLUSTER', 'ADDSLOTS', ...slots);
      await redis.client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }),
  );
}

async function meet(nodes: readonly ClusterNode[]): Promise<void> {
  const [first] = nodes;
  for (const { redis } of nodes) {
    await redis.client.call('CLUSTER', 'MEET', '127.0.0.1', first?.port ?? 0);
  }
  const knowsAll = async ({ redis }: ClusterNode): Promise<boolean> => {
    const known = String(await redis.client.cluster('NODES'));
    return nodes.every(({ id }) => known.includes(id)) && !known.includes('handshake');
  };
  await until(async () => (await Promise.all(nodes.map(knowsAll))).every(Boolean), 60_000);
}

/** Every server can serve and knows every other one by its role, and every replica has its master's data. */
async function isWhole(
  nodes: readonly ClusterNode[],
  replicas: readonly ClusterNode[],
): Promise<boolean> {
  for (const { redis } of nodes) {
    const info = await redis.client.cluster('INFO');
    if (!info.includes('cluster_state:ok')) return false;
    const known = (await redis.client.cluster('SLOTS')) as unknown as unknown[][];
    if (known.flatMap((range) => range.slice(2)).length !== nodes.length) return false;
  }
  for (const { redis } of replicas) {
    if (!(await redis.client.info('replication')).includes('master_link_status:up')) return false;
  }
  return true;
}
