/** What monitoring sees of the connections: channels, and the snapshot. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS, stats } from 'ferrodis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Connection, operations } from '../../dist/client.js';
import { serverOf } from '../../dist/diagnostics.js';
import { type RawClient, Server } from '../support/server.js';

const { getSession, setSession } = operations('pikku') as Record<string, number>;
const text = (reply: { text(): string | null }): string | null => reply.text();

let server: Server;
let raw: RawClient;
beforeAll(async () => {
  server = await Server.start({ password: 'hush' });
  raw = await server.client(server.running.url);
});
afterAll(async () => {
  raw.destroy();
  await server.stop();
});
beforeEach(async () => {
  await raw.flushAll();
});

const open = () => Connection.open({ url: server.running.url });
const place = () => `redis://127.0.0.1:${server.port}`;
const own = () => stats().connections.filter((each) => each.server === place());
const read = (connection: Connection, id: string) => connection.call(getSession as number, text, 'p', id);

/** All that a plain channel says from now on. */
function hear(name: string): { notices: unknown[]; end: () => void } {
  const notices: unknown[] = [];
  const note = (notice: unknown): void => void notices.push(notice);
  subscribe(name, note);
  return { notices, end: () => unsubscribe(name, note) };
}

/** All steps of calls from now on, each with the context that it was told in. */
function trace(context = new AsyncLocalStorage<string>()) {
  const steps: Array<{ step: string; within: string | undefined } & Record<string, unknown>> = [];
  const note = (step: string) => (told: object) => void steps.push({ step, within: context.getStore(), ...told });
  const listeners = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  };
  const channel = tracingChannel(CHANNELS.operation);
  channel.subscribe(listeners);
  return { steps, end: () => channel.unsubscribe(listeners) };
}

describe('calls', () => {
  it('are traced in the context of the caller, by their operation and server and nothing else', async () => {
    await using connection = open();
    await connection.call(setSession as number, text, 'p', 'me', 'secret');
    const context = new AsyncLocalStorage<string>();
    const { steps, end } = trace(context);
    expect(await context.run('a request', () => read(connection, 'me'))).toBe('secret');
    end();
    const told = { operation: 'pikku.getSession', server: place(), within: 'a request' };
    expect(steps).toEqual([
      { step: 'start', ...told },
      { step: 'end', ...told },
      { step: 'asyncStart', ...told, result: 'secret' },
      { step: 'asyncEnd', ...told, result: 'secret' },
    ]);
  });

  it('that fail are traced with their error', async () => {
    await using connection = open();
    await raw.hSet('p:session:me', 'a', 'hash');
    const { steps, end } = trace();
    await expect(read(connection, 'me')).rejects.toThrow('WRONGTYPE');
    end();
    expect(steps.map(({ step }) => step)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(steps[2]?.['error']).toMatchObject({ name: 'ReplyError', replyCode: 'WRONGTYPE' });
  });
});

describe('connections', () => {
  it('tell when they can be used, when they are lost and why, and when they are closed', async () => {
    const ready = hear(CHANNELS.ready);
    const closed = hear(CHANNELS.closed);
    const errors = hear(CHANNELS.error);
    const connection = open();
    await connection.ready();
    expect(ready.notices).toEqual([{ server: place() }]);
    await raw.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await expect.poll(() => closed.notices).toEqual([{ server: place() }]);
    expect(errors.notices[0]).toMatchObject({ server: place(), error: { code: 'ERR_FERRODIS_CONNECTION' } });
    await read(connection, 'me');
    expect(ready.notices).toHaveLength(2);
    await connection.close();
    expect(closed.notices).toHaveLength(2);
    for (const each of [ready, closed, errors]) each.end();
    expect(JSON.stringify([ready.notices, closed.notices, errors.notices])).not.toContain('hush');
  });

  it('tell of a lock that is lost, before its holder hears of it', async () => {
    await using connection = open();
    const { notices, end } = hear(CHANNELS.lockLost);
    await raw.set('lock', 'me', { PX: 10_000 });
    const seen = await new Promise((resolve) => {
      connection.renew({ key: 'lock', owner: 'me', ttlMs: 150, onLost: () => resolve([...notices]) });
      void raw.set('lock', 'another');
    });
    end();
    expect(seen).toEqual([{ server: place(), key: 'lock' }]);
  });
});

describe('the snapshot', () => {
  it('counts what is under way and what was', async () => {
    expect(own()).toEqual([]);
    const [first, second] = [open(), open()];
    await first.ready();
    const pending = [read(first, 'a'), read(second, 'b')];
    expect(own()).toEqual([expect.objectContaining({ isOpen: true, holders: 2, pending: 2, connects: 1 })]);
    await Promise.all(pending);
    await raw.hSet('p:session:me', 'a', 'hash');
    await expect(read(second, 'me')).rejects.toThrow('WRONGTYPE');
    const listener = first.listen({ channel: 'c', onMessage: () => undefined });
    await raw.set('lock', 'me', { PX: 10_000 });
    const renewal = first.renew({ key: 'lock', owner: 'me', ttlMs: 10_000, onLost: () => undefined });
    expect(own()).toEqual([
      {
        server: place(),
        isOpen: true,
        connects: 1,
        holders: 2,
        calls: 4,
        failures: 1,
        pending: 0,
        waiting: 0,
        subscriptions: 1,
        locks: 1,
      },
    ]);
    renewal.stop();
    await listener.close();
    expect(own()).toMatchObject([{ subscriptions: 0, locks: 0 }]);
    await Promise.all([first.close(), second.close()]);
    expect(own()).toEqual([]);
  });

  it.each([
    [{}, 'localhost:6379'],
    [{ host: '::1', port: 7000 }, '[::1]:7000'],
    [{ path: '/run/redis.sock' }, '/run/redis.sock'],
    [{ url: 'rediss://me:p@ss/w@rd@example:7000/3?password=x#y' }, 'rediss://example:7000/3'],
    [{ sentinels: [{ host: 'a' }, { host: 'b', port: 5 }], sentinelName: 'orders' }, 'orders of a:26379, b:5'],
    [{ cluster: [{ host: 'a' }, { host: 'b', port: 5 }] }, 'cluster of a:6379, b:5'],
  ])('names the server of %j as %s', (options, name) => {
    expect(serverOf(options)).toBe(name);
  });
});
