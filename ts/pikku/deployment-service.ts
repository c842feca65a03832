/** Deployments: which process serves which function, and calls between them. */

import { clearInterval, setInterval } from 'node:timers';

import { together } from './ioredis.js';
import { Link, type RedisConnection } from './link.js';
import { allFunctionNames, remoteHeaders } from './optional-core.js';
import { readList, readNothing } from './replies.js';

/** How a deployment shows that it is alive. */
export interface DeploymentHeartbeat {
  /** ms between heartbeats. Default 10000. */
  heartbeatInterval?: number;
  /** ms for which a heartbeat holds. Default 30000. */
  heartbeatTtl?: number;
}

/** What a process serves. */
export interface DeploymentConfig {
  deploymentId: string;
  /** The base of its URLs. */
  endpoint: string;
  /** The functions it serves. Default: all of the application. */
  functions?: string[];
}

/** A deployment that serves a function. */
export interface FoundDeployment {
  deploymentId: string;
  endpoint: string;
}

type Announced = Required<DeploymentConfig>;

/**
 * The `DeploymentService` of pikku on Redis: a hash for each deployment, `P:deployment:ID`, and for each function the
 * deployments that serve it, `P:fn:FUNCTION`. Stands for that of `@pikku/redis` 0.12.18, and has `findFunction` of 0.12.4
 * too.
 */
export class RedisDeploymentService {
  readonly #link: Link;
  readonly #keyPrefix: string;
  readonly #interval: number;
  readonly #ttl: number;
  readonly #jwt: object | undefined;
  readonly #secrets: object | undefined;
  #announced: Announced | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param config how often, and for how long, the deployment says that it is alive
   * @param connection a client, or where to connect; an own connection is closed by {@link stop}
   * @param keyPrefix default `pikku`
   * @param jwt signs calls to other deployments
   * @param secrets has the secret that they are signed with
   */
  constructor(
    config: DeploymentHeartbeat,
    connection: RedisConnection,
    keyPrefix: string = 'pikku',
    jwt?: object,
    secrets?: object,
  ) {
    this.#link = new Link('RedisDeploymentService', connection, keyPrefix);
    this.#keyPrefix = keyPrefix;
    this.#interval = config.heartbeatInterval ?? 10_000;
    this.#ttl = config.heartbeatTtl ?? 30_000;
    this.#jwt = jwt;
    this.#secrets = secrets;
  }

  /** Does nothing: there is nothing to prepare. */
  async init(): Promise<void> {}

  /** Announces what this process serves, until {@link stop}. The heartbeat does not keep the process alive. */
  async start(config: DeploymentConfig): Promise<void> {
    const functions = config.functions ?? (await allFunctionNames());
    const announced = { ...config, functions };
    clearInterval(this.#timer);
    this.#announced = announced;
    await this.#announce(announced);
    // `stop()` may have been called meanwhile.
    if (this.#announced !== announced) return;
    let isBeating = false;
    this.#timer = setInterval(() => {
      // While the server is away they would pile up, and keep the process alive.
      if (isBeating) return;
      isBeating = true;
      // A missed heartbeat is made good by the next one.
      const over = (): void => {
        isBeating = false;
      };
      this.#announce(announced).then(over, over);
    }, this.#interval);
    this.#timer.unref();
  }

  /** Withdraws the announcement, and closes the service's own connection. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const announced = this.#announced;
    this.#announced = undefined;
    try {
      if (announced !== undefined) await this.#withdraw(announced);
    } finally {
      await this.#link.close();
    }
  }

  /**
   * Calls a function on the deployment whose heartbeat is freshest.
   *
   * @throws Error (rejects) `No deployment found for function '<name>'`, `Remote RPC call to '<name>' failed: <status>`
   */
  async invoke(funcName: string, data: unknown, session?: unknown, traceId?: string): Promise<unknown> {
    const headers = await this.#headers(funcName, session, traceId);
    const freshest = (await this.findFunction(funcName)).at(-1);
    if (freshest === undefined) throw new Error(`No deployment found for function '${funcName}'`);
    const url = `${freshest.endpoint}/remote/rpc/${encodeURIComponent(funcName)}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ data }) });
    if (!response.ok) throw new Error(`Remote RPC call to '${funcName}' failed: ${response.status}`);
    return response.json();
  }

  /** The live deployments that serve a function, those with the freshest heartbeat last. */
  async findFunction(name: string): Promise<FoundDeployment[]> {
    const now = Date.now();
    const pairs = await this.#link.either(
      'findFunction',
      () => this.#link.call('findDeployments', readList, name, String(now)),
      () => this.#findDriven(name, now),
    );
    const found: FoundDeployment[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      found.push({ deploymentId: pairs[at] as string, endpoint: pairs[at + 1] as string });
    }
    return found;
  }

  async #headers(funcName: string, session: unknown, traceId: string | undefined): Promise<Record<string, string>> {
    const build = await remoteHeaders();
    if (build !== undefined) return build(this.#jwt, this.#secrets, funcName, session, traceId);
    return { 'content-type': 'application/json', ...(traceId ? { 'x-request-id': traceId } : {}) };
  }

  async #announce({ deploymentId, endpoint, functions }: Announced): Promise<void> {
    const ttlSeconds = Math.ceil(this.#ttl / 1000);
    const expiry = Date.now() + this.#ttl;
    const list = JSON.stringify(functions);
    await this.#link.either<unknown>(
      'announce',
      () => {
        const args = [deploymentId, endpoint, list, String(ttlSeconds), String(expiry)];
        return this.#link.callWith('announceDeployment', readNothing, args, functions);
      },
      () =>
        together(this.#link.client, (pipeline) => {
          pipeline.hset(this.#deployment(deploymentId), { endpoint, functions: list });
          pipeline.expire(this.#deployment(deploymentId), ttlSeconds);
          for (const name of functions) pipeline.zadd(this.#function(name), expiry, deploymentId);
        }),
    );
  }

  async #withdraw({ deploymentId, functions }: Announced): Promise<void> {
    await this.#link.either<unknown>(
      'withdraw',
      () => this.#link.callWith('withdrawDeployment', readNothing, [deploymentId], functions),
      () =>
        together(this.#link.client, (pipeline) => {
          pipeline.del(this.#deployment(deploymentId));
          for (const name of functions) pipeline.zrem(this.#function(name), deploymentId);
        }),
    );
  }

  async #findDriven(name: string, now: number): Promise<string[]> {
    const { client } = this.#link;
    const key = this.#function(name);
    await client.zremrangebyscore(key, '-inf', now);
    const pairs: string[] = [];
    for (const id of await client.zrangebyscore(key, now, '+inf')) {
      const endpoint = await client.hget(this.#deployment(id), 'endpoint');
      if (endpoint) pairs.push(id, endpoint);
      else await client.zrem(key, id);
    }
    return pairs;
  }

  #deployment(id: string): string {
    return `${this.#keyPrefix}:deployment:${id}`;
  }

  #function(name: string): string {
    return `${this.#keyPrefix}:fn:${name}`;
  }
}
