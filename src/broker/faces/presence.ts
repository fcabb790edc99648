/** What servers say of themselves, and learn about their Redis. */

/** One server's entry under `asynq:servers`, its running tasks beside it. Encoded by wire/server-info. */
export interface PresenceEntry {
  /** `host:pid:uuid`. */
  readonly address: string;
  readonly info: Uint8Array;
  readonly workers: readonly { readonly taskId: string; readonly info: Uint8Array }[];
  readonly ttlSeconds: number;
}

/** What a server learns about the Redis it talks to. */
export interface RedisFacts {
  readonly product: 'redis' | 'valkey';
  readonly version: string;
  readonly evictionPolicy: string | undefined;
}
