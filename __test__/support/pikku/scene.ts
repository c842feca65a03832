import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { vi } from 'vitest';

import { until } from '../ground.js';
import { type RawClient, Server } from '../server.js';
import { effectsOf, Host, type HostSettings } from './hosts.js';
import { LATEST } from './packages.mjs';

/** How long what other processes do may take. */
const PATIENCE = 60_000;

/** Every test starts processes, which takes its time on a busy machine. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

export type StoreName = 'ferrodis' | 'original';

/** The store under test; `PIKKU_STORE=original` shows what the original does with the same suites. */
export const STORE: StoreName = process.env['PIKKU_STORE'] === 'original' ? 'original' : 'ferrodis';

/** What the stores keep of a run, read straight from its hash. */
export interface RunHash {
  status: string;
  output?: string;
  error?: string;
  [field: string]: string | undefined;
}

/** Servers, a folder for side effects, and the processes of one test file. */
export class Scene {
  /** Holds the store. */
  readonly server: Server;
  readonly redis: RawClient;
  /** Holds the jobs, so that their traffic is not counted as the store's. */
  readonly queue: Server;
  readonly #jobs: RawClient;
  readonly #folder: string;
  readonly #hosts: Host[] = [];
  /** The `effects` file of every host. */
  readonly effects: string;

  private constructor(server: Server, redis: RawClient, queue: Server, jobs: RawClient, folder: string) {
    this.server = server;
    this.redis = redis;
    this.queue = queue;
    this.#jobs = jobs;
    this.#folder = folder;
    this.effects = join(folder, 'effects');
  }

  static async open(): Promise<Scene> {
    const [server, queue] = await Promise.all([Server.start(), Server.start()]);
    const folder = await mkdtemp(join(tmpdir(), 'ferrodis-pikku-'));
    return new Scene(server, await server.client(), queue, await queue.client(), folder);
  }

  /** Starts a host of the newest version with the store under test, unless the settings say otherwise. */
  async host(settings: Partial<HostSettings> = {}): Promise<Host> {
    const common = { core: LATEST, store: STORE, url: this.server.url, effects: this.effects };
    const host = await Host.start({ ...common, ...settings });
    this.#hosts.push(host);
    return host;
  }

  /** Starts a host whose runs go through the job queue, and that works on them. */
  async worker(settings: Partial<HostSettings> = {}): Promise<Host> {
    return this.host({ queuePort: this.queue.port, worker: true, ...settings });
  }

  /** A fresh input. */
  input(): { tag: string } {
    return { tag: randomUUID() };
  }

  effectsOf(tag: string): Record<string, number> {
    return effectsOf(this.effects, tag);
  }

  async runHash(runId: string, prefix = 'workflows'): Promise<RunHash> {
    return { ...(await this.redis.hGetAll(`${prefix}:run:${runId}`)) } as RunHash;
  }

  /** The run that was started with `tag` in its input. */
  async runOf(tag: string): Promise<string> {
    for (const key of await this.redis.keys('workflows:run:*')) {
      const [id, input] = await this.redis.hmGet(key, ['id', 'input']);
      if (id && input?.includes(`"${tag}"`)) return id;
    }
    throw new Error(`no run has the tag ${tag}`);
  }

  /** Waits until the run has one of the given states; its hash. */
  async ended(runId: string, states = ['completed', 'failed', 'cancelled'], timeoutMs = PATIENCE): Promise<RunHash> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const run = await this.runHash(runId);
      if (states.includes(run.status)) return run;
      if (Date.now() > deadline) {
        throw new Error(`run ${runId} is still ${run.status}: ${JSON.stringify(await this.steps(runId))}`);
      }
      await sleep(10);
    }
  }

  /** Waits until no lock and no lease is held: those of a killed process have run out. */
  async unlocked(): Promise<void> {
    const held = ['workflows:*lock:*', 'workflows:step-lease:*'].map((pattern) => () => this.redis.keys(pattern));
    await until(async () => (await Promise.all(held.map((look) => look()))).flat().length === 0, PATIENCE);
  }

  /** Waits until nobody is at work: what comes after the end of a run is done as well. */
  async idle(): Promise<void> {
    const atWork = /:(wait|active|delayed|prioritized)$/;
    await until(async () => !(await this.#jobs.keys('*')).some((key) => atWork.test(key)), PATIENCE);
    await this.unlocked();
  }

  /** The state of each step of a run, by name. */
  async steps(runId: string, prefix = 'workflows'): Promise<Record<string, string>> {
    const start = `${prefix}:step:${runId}:`;
    const found: Record<string, string> = {};
    for (const key of (await this.redis.keys(`${start}*`)).sort()) {
      const [status, attempts] = await this.redis.hmGet(key, ['status', 'attemptCount']);
      found[key.slice(start.length)] = attempts === '1' ? `${status}` : `${status}, attempt ${attempts}`;
    }
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stop()));
    this.redis.destroy();
    this.#jobs.destroy();
    await Promise.all([this.server.stop(), this.queue.stop()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
