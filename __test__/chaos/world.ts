/** What servers look like to those who use them and to those who break them. */
import type { ConnectionOptions } from 'ferrodis';
import type { Cluster, Redis } from 'ioredis5';

import type { RawClient } from '../support/server.js';
import type { Random } from './random.js';

/** ms after which servers are expected to be well again. */
export const PATIENCE = 60_000;

/** One way to break something. */
export interface Fault {
  readonly name: string;
  /** Does it once, and undoes it before it resolves. */
  strike(random: Random): Promise<void>;
  /** Whether not a single call may fail. */
  readonly costsNothing?: true;
  /** Whether writes that were acknowledged may be gone, as after a failover of Redis, which replicates later. */
  readonly loses?: true;
}

/** Servers of one kind of deployment. */
export interface World {
  readonly name: string;
  /** How connections of ours find it. */
  readonly connection: ConnectionOptions & { readonly callTimeout: number };
  /** A client of a user's. The caller closes it. */
  client(): Redis | Cluster;
  readonly faults: readonly Fault[];
  /** Nodes pass events on to each other in their own time: who moves from one to another may hear some of them twice. */
  readonly relaysEvents?: true;
  /** A raw client of the server that has a key; past every proxy. The caller closes it. */
  raw(key: string): Promise<RawClient>;
  /** Resolves when every server is well again. */
  heal(): Promise<void>;
  /** Empties every server. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

/** What goes on while things break. */
export interface Workload {
  /** Goes on until it is told to end, and then lets what is under way come to an end. */
  run(end: AbortSignal): Promise<void>;
  /** What is not as it was promised, as sentences. The world is well by now. `lossy`: writes may have been lost. */
  violations(lossy: boolean): Promise<string[]>;
  /** Numbers for the report. */
  readonly facts: Record<string, number>;
  close(): Promise<void>;
}
