/** What calls cost: the commands that reach the server, and the round trips in which they do. */
import { Redis } from 'ioredis5';
import { expect, it } from 'vitest';

import { BurstProxy } from './burst-proxy.js';
import type { Ground } from './ground.js';
import { Monitor } from './monitor.js';

/** A call and what it may cost. */
export interface Costing {
  name: string;
  /** One after the other. What a script calls costs nothing more. */
  commands: string[];
  roundTrips: number;
  /** What has to be done before each call. */
  before?: () => Promise<unknown>;
  call: () => Promise<unknown>;
}

/** Counts what is sent through a client of its own. */
export class Costs {
  /** What the counted calls have to go through. */
  readonly client: Redis;
  private readonly proxy: BurstProxy;
  private readonly monitor: Monitor;

  private constructor(client: Redis, proxy: BurstProxy, monitor: Monitor) {
    this.client = client;
    this.proxy = proxy;
    this.monitor = monitor;
  }

  static async start(on: Ground): Promise<Costs> {
    const proxy = await BurstProxy.start(on.server.port);
    const monitor = await Monitor.start(on.server, await on.server.client());
    const client = new Redis(proxy.url);
    // What it says to introduce itself is no trip of anybody's call.
    await client.ping();
    return new Costs(client, proxy, monitor);
  }

  /** Tells the commands and round trips of `call`, which the server has seen before: no count holds the loading of a script. */
  async of({ before, call }: Pick<Costing, 'before' | 'call'>): Promise<{ commands: string[]; roundTrips: number }> {
    await before?.();
    await call();
    await before?.();
    await this.monitor.take();
    const roundTrips = await this.proxy.count(call);
    const commands = (await this.monitor.take()).map((command) => command.split(' ', 1)[0] as string);
    return { commands, roundTrips };
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.monitor.stop();
    await this.proxy.close();
  }
}

/** One test for each call. `costs` is asked for when the tests run. */
export function itCosts(costs: () => Costs, calls: Costing[]): void {
  it.each(calls)('$name: $roundTrips', async ({ commands, roundTrips, ...rest }) => {
    expect(await costs().of(rest)).toEqual({ commands, roundTrips });
  });
}
