/** What the parts of `RedisWorkflowService` stand on: construction, the connection, and names that programs reach for. */
import { randomUUID } from 'node:crypto';
import { emitWarning } from 'node:process';
import { type QueueService, readArguments } from './arguments.js';
import type { Backend } from './backend.js';
import { Claims } from './claims.js';
import { DrivenBackend } from './driven.js';
import { withFallback } from './fallback.js';
import { WorkflowBase } from './host.js';
import { Link, type RedisConnection } from './link.js';
import { LockKeeper } from './locks.js';
import { NativeBackend } from './native.js';
import { readSettings, type RedisWorkflowOptions, type WorkflowSettings } from './options.js';
import { Pictures } from './pictures.js';
import { RunNames } from './run-names.js';
import { runLock, stepLock, WorkflowKeys } from './workflow-keys.js';

/** All that a service keeps, under one name: the host's class may have any other for itself. */
export interface Kept {
  readonly backend: Backend;
  readonly settings: WorkflowSettings;
  readonly pictures: Pictures;
  readonly locks: LockKeeper;
  readonly claims: Claims;
  readonly names: RunNames;
  /** Marks a call that must not count twice when it is sent again. */
  token(): string;
}

/** See the file's text. */
export abstract class WorkflowCore extends WorkflowBase {
  /** Time to live of locks in ms. */
  lockTTL: number;
  /** Where jobs go when the host's services have no queue. Inline or queued is decided by the host's services alone. */
  readonly queue: QueueService | null;
  /** The client that was given, or the own connection. */
  protected readonly redis: object;
  protected readonly keyPrefix: string;
  protected readonly ownsConnection: boolean;
  /** @internal */
  protected readonly kept: Kept;
  readonly #link: Link;
  readonly #keys: WorkflowKeys;

  /**
   * @param connection a client, which stays the caller's; or connection options, a URL, or nothing for `localhost:6379`
   * @param keyPrefix `workflows` by default
   * @throws TypeError for arguments of other types, ConfigError naming a wrong option
   */
  constructor(connection: RedisConnection, keyPrefix?: string, options?: RedisWorkflowOptions);
  /** @param queue where jobs go when the host's services have no queue */
  constructor(
    connection: RedisConnection,
    queue: QueueService | null | undefined,
    keyPrefix?: string,
    options?: RedisWorkflowOptions,
  );
  constructor(connection: RedisConnection, queue: QueueService | null | undefined, options?: RedisWorkflowOptions);
  constructor(connection: RedisConnection, second?: unknown, third?: unknown, fourth?: unknown) {
    const { keyPrefix, queue, options } = readArguments(second, third, fourth);
    const settings = readSettings(options);
    super(options as ConstructorParameters<typeof WorkflowBase>[0]);
    this.queue = queue;
    this.keyPrefix = keyPrefix;
    this.lockTTL = settings.lockTTL;
    this.#link = new Link('RedisWorkflowService', connection, keyPrefix, { manyKeys: true });
    this.#keys = new WorkflowKeys(keyPrefix);
    this.redis = this.#link.client;
    this.ownsConnection = this.#link.isOwn;
    const backend = backendOf(this.#link, this.#keys, settings);
    const instance = randomUUID();
    let calls = 0;
    this.kept = {
      backend,
      settings,
      pictures: new Pictures(),
      locks: new LockKeeper(backend, {
        ttl: () => this.lockTTL,
        rejectLost: settings.rejectLost,
        warn: (message) => this.warn(message),
      }),
      claims: new Claims(backend, () => this.lockTTL),
      names: new RunNames(),
      token: () => `${instance}.${++calls}`,
    };
  }

  /** Makes sure that the server answers. */
  async init(): Promise<void> {
    await this.#link.ping();
  }

  /** Gives an own connection back; a client that was given stays open. Idempotent. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /** Says something to the host's logger, or to whoever watches warnings of the process. */
  protected warn(message: string): void {
    let logger: { warn?: (message: string) => void } | undefined;
    try {
      logger = this.logger;
    } catch {
      // The host is not set up yet.
    }
    if (typeof logger?.warn === 'function') logger.warn(message);
    else emitWarning(message, { code: 'FERRODIS_PIKKU' });
  }

  // The names of keys are private in the original too, but programs and tests reach for them.

  protected runKey(runId: string): string {
    return this.#keys.run(runId);
  }

  protected stepKey(runId: string, stepName: string): string {
    return this.#keys.step(runId, stepName);
  }

  protected stepHistoryKey(stepId: string): string {
    return this.#keys.stepHistory(stepId);
  }

  protected lockKey(runId: string): string {
    return this.keyPrefix + runLock(runId);
  }

  protected stepLockKey(runId: string, stepName: string): string {
    return this.keyPrefix + stepLock(runId, stepName);
  }

  protected runStateKey(runId: string): string {
    return this.#keys.runState(runId);
  }

  protected versionKey(name: string, graphHash: string): string {
    return this.#keys.version(name, graphHash);
  }
}

function backendOf(link: Link, keys: WorkflowKeys, settings: WorkflowSettings): Backend {
  const driven = link.isOwn ? undefined : new DrivenBackend(link.client, keys, settings.retentionSeconds);
  if (driven !== undefined && link.served.driven) return driven;
  const native = new NativeBackend(link, settings);
  return driven === undefined ? native : withFallback(link, native, driven);
}
