/** conveyor: producers, workers that are killed now and then, a sweeper for what they leave behind, and events. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as elapse } from 'node:timers/promises';

import { RedisStore } from 'ferrodis/conveyor';

import { queueKeys } from '../../support/conveyor-keys.js';
import { snapshot, violations } from '../../support/conveyor-invariants.js';
import { newJob } from '../../support/job.js';
import type { Calls } from '../calls.js';
import { eventViolations } from '../checkers.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';

const QUEUE = 'chaos';
const WORKERS = 2;

/** ms that a worker's lease lasts. */
const LEASE = 1000;

/** ms until everything is done once the world is well. */
const DRAINED = 20_000;

const WORKER = new URL('conveyor-worker.mjs', import.meta.url);

export async function open(world: World, calls: Calls, random: Random): Promise<Workload> {
  const stores = await Promise.all([0, 1].map(() => connected(world)));
  const [producer, sweeper] = stores as [RedisStore, RedisStore];
  const ledger = new Ledger();
  const workers = Array.from({ length: WORKERS }, () => new Worker(world, ledger));
  const fates = random.fork();
  const acknowledged = new Set<string>();
  const perhaps = new Set<string>();
  const done = new AbortController();
  const background: Array<Promise<void>> = [];
  const heard: number[] = [];
  let saved = 0;
  let told = 0;
  sweeper.subscribe(QUEUE, ({ data }) => heard.push(data as number));
  await Promise.all(workers.map((worker) => worker.start()));

  const produce = async (end: AbortSignal): Promise<void> => {
    while (!end.aborted) {
      const id = `job-${++saved}`;
      const job = newJob(QUEUE, { id, priority: fates.between(0, 2) } as object);
      const ending = await calls.try('saveJob', () => producer.saveJob(QUEUE, job));
      if (ending.is === 'ok') acknowledged.add(id);
      if (ending.is === 'unknown') perhaps.add(id);
      await elapse(fates.between(0, 4));
    }
  };

  const tell = async (end: AbortSignal): Promise<void> => {
    while (!end.aborted) {
      const data = ++told;
      const event = { type: 'job:progress', queueName: QUEUE, data, timestamp: new Date() } as const;
      await calls.try('publish', () => producer.publish(event));
      await elapse(fates.between(0, 4));
    }
  };

  /** Gives back what lapsed, and remembers each lease that did. */
  const sweep = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const found = await calls.try('getStalledJobs', () => sweeper.getStalledJobs(QUEUE, 0));
      for (const { id } of found.is === 'ok' ? found.value : []) {
        const waiting = { state: 'waiting', lockedBy: null, lockUntil: null } as const;
        const back = await calls.try('updateJob', () =>
          sweeper.updateJob(QUEUE, id, waiting, { expectedState: 'active' }),
        );
        if (back.is !== 'refused') ledger.lapsed(id);
      }
      await elapse(200);
    }
  };

  const kill = async (end: AbortSignal): Promise<void> => {
    while (!end.aborted) {
      await elapse(fates.between(500, 2000), undefined, { signal: end }).catch(() => undefined);
      if (!end.aborted) await fates.of(workers).replace();
    }
  };

  const facts: Record<string, number> = {};
  return {
    facts,
    async run(end) {
      background.push(sweep());
      await Promise.all([produce(end), produce(end), tell(end), kill(end)]);
      Object.assign(facts, { jobs: saved, events: told, heard: heard.length });
    },
    async violations(lossy) {
      const broken = world.relaysEvents ? [] : eventViolations('events', heard);
      for (const over = Date.now() + DRAINED; ; await elapse(50)) {
        const { waiting, active } = await producer.getJobCounts(QUEUE);
        if (waiting + active === 0) break;
        if (Date.now() > over) {
          broken.push(`V1: ${waiting} jobs wait and ${active} are active ${DRAINED} ms after everything was well`);
          break;
        }
      }
      done.abort();
      await Promise.all([...background, ...workers.map((worker) => worker.stop())]);
      const raw = await world.raw(queueKeys('conveyor', QUEUE).waiting);
      const found = await snapshot(raw, queueKeys('conveyor', QUEUE));
      raw.destroy();
      for (const id of found.jobs.keys()) {
        if (!acknowledged.has(id) && !perhaps.has(id)) broken.push(`V1: ${id} was refused and is there`);
      }
      const lost = [...acknowledged].filter((id) => !found.jobs.has(id)).length;
      Object.assign(facts, {
        lost,
        lapsed: ledger.lapses,
        killed: workers.reduce((sum, each) => sum + each.killed, 0),
      });
      broken.push(...violations(found, lossy ? [] : acknowledged));
      return lossy ? broken : [...broken, ...ledger.violations()];
    },
    async close() {
      done.abort();
      await Promise.all([...workers.map((worker) => worker.stop()), ...background]);
      await Promise.all(stores.map((store) => store.disconnect()));
    },
  };
}

async function connected(world: World): Promise<RedisStore> {
  const store = new RedisStore({ connection: world.connection, logger: SILENT });
  await store.connect();
  return store;
}

const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** What the workers did. */
class Ledger {
  lapses = 0;
  readonly #started = new Map<string, number>();
  readonly #completed = new Map<string, number>();
  readonly #lapsed = new Map<string, number>();

  started(id: string): void {
    this.#started.set(id, (this.#started.get(id) ?? 0) + 1);
  }

  completed(id: string): void {
    this.#completed.set(id, (this.#completed.get(id) ?? 0) + 1);
  }

  lapsed(id: string): void {
    this.lapses++;
    this.#lapsed.set(id, (this.#lapsed.get(id) ?? 0) + 1);
  }

  /** V4: a job is started again only after a lease of it has lapsed, and is completed once. */
  violations(): string[] {
    const broken: string[] = [];
    for (const [id, starts] of this.#started) {
      const lapses = this.#lapsed.get(id) ?? 0;
      if (starts > 1 + lapses) broken.push(`V4: ${id} was started ${starts} times, and lapsed ${lapses} times`);
    }
    for (const [id, ends] of this.#completed) if (ends > 1) broken.push(`V4: ${id} was completed ${ends} times`);
    return broken;
  }
}

/** A process that works. */
class Worker {
  killed = 0;
  readonly #world: World;
  readonly #ledger: Ledger;
  #process: ChildProcess | undefined;

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  async start(): Promise<void> {
    const task = JSON.stringify({ connection: this.#world.connection, queue: QUEUE, lease: LEASE });
    const child = fork(WORKER, [task], { execArgv: [] });
    this.#process = child;
    child.on('message', ({ started, completed }: { started?: string; completed?: string }) => {
      if (started !== undefined) this.#ledger.started(started);
      if (completed !== undefined) this.#ledger.completed(completed);
    });
    await once(child, 'spawn');
  }

  /** Kills the process at once, and starts another. */
  async replace(): Promise<void> {
    this.killed++;
    await this.#end('SIGKILL');
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, 'close');
    child.kill(signal);
    await over;
  }
}
