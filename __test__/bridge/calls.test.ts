/** The bridge under ordinary use: values, order, errors, room, deadlines, context. Both lanes. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { startRedis, type RedisServer } from 'ferrodis/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection, operations, type Reply, type Value } from '../../dist/client.js';
import { FerrodisError, TimeoutError } from '../../dist/errors.js';
import { Proxy } from '../support/proxy.js';

const { command, read, panic, panicLater } = operations('redis') as Record<
  'command' | 'read' | 'panic' | 'panicLater',
  number
>;
const value = (reply: Reply): Value => reply.value();

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

describe.each(['loop', 'runtime'] as const)('on the %s lane', (lane) => {
  const open = (options = {}) => Connection.open({ host: redis.host, port: redis.port, lane, ...options });
  const run = (connection: Connection, ...args: string[]) => connection.call(command, value, ...args);

  test('every kind of reply becomes the value it stands for', async () => {
    await using connection = open();
    const script = `return {1, -7, "", "x", false, {2, {"deep"}}, redis.status_reply("QUEUED"), "é😀", "9007199254740991"}`;
    expect(await run(connection, 'EVAL', script, '0')).toEqual([
      1,
      -7,
      '',
      'x',
      null,
      [2, ['deep']],
      'QUEUED',
      'é😀',
      '9007199254740991',
    ]);
    expect(await run(connection, 'INCRBY', `big:${lane}`, '9007199254740991')).toBe(9007199254740991);
    expect(await run(connection, 'GET', 'missing')).toBeNull();
    expect(await run(connection, 'SET', 'k', 'v')).toBe('OK');
  });

  test('text of every length and alphabet survives the crossing', async () => {
    await using connection = open();
    const texts = ['', 'a', 'é', '😀', '\0\r\n$5\r\n', 'x'.repeat(251), 'é'.repeat(127), '😀'.repeat(64)];
    for (const length of [255, 256, 257, 4095, 4096, 4097, 70_000]) texts.push('y'.repeat(length), 'ü'.repeat(length));
    const echoed = await Promise.all(texts.map((text) => run(connection, 'ECHO', text)));
    expect(echoed).toEqual(texts);
  });

  test('a thousand calls of one tick are answered in order, each with its own value', async () => {
    await using connection = open();
    const calls = Array.from({ length: 1000 }, (_, i) => run(connection, 'ECHO', i % 7 === 0 ? `é${i}` : `e${i}`));
    expect(await Promise.all(calls)).toEqual(calls.map((_, i) => (i % 7 === 0 ? `é${i}` : `e${i}`)));
  });

  test('a reply of many values is read whole', async () => {
    await using connection = open();
    const numbers = await run(connection, 'EVAL', 'local t = {} for i = 1, 50000 do t[i] = i end return t', '0');
    expect(numbers).toEqual(Array.from({ length: 50_000 }, (_, i) => i + 1));
  });

  test('bytes that are not UTF-8 fail the call that reads them and no other', async () => {
    await using connection = open();
    const [bad, good] = await Promise.allSettled([
      run(connection, 'EVAL', 'return "\\255\\254"', '0'),
      run(connection, 'ECHO', 'fine'),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'InvalidTextError' } });
    expect(good).toEqual({ status: 'fulfilled', value: 'fine' });
  });

  test('a server error rejects with its text, its word and the operation', async () => {
    await using connection = open();
    await run(connection, 'SET', `text:${lane}`, 'v');
    const error = await run(connection, 'LPUSH', `text:${lane}`, 'v').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FerrodisError);
    expect(error).toMatchObject({
      name: 'ReplyError',
      code: 'ERR_FERRODIS_REPLY',
      replyCode: 'WRONGTYPE',
      operation: 'redis.command',
      retryable: false,
    });
  });

  test('a decoder that throws rejects its own call and leaves the others alone', async () => {
    await using connection = open();
    const broken = connection.call(
      command,
      () => {
        throw new RangeError('of the decoder');
      },
      'PING',
    );
    const whole = run(connection, 'PING');
    await expect(broken).rejects.toThrow('of the decoder');
    await expect(whole).resolves.toBe('PONG');
  });

  test('a missing argument is refused by name, and nothing is sent', async () => {
    await using connection = open();
    await expect(connection.call(command, value, 'SET', 'k', null)).rejects.toMatchObject({
      code: 'ERR_FERRODIS_ARGUMENT',
      message: 'a command argument is missing',
    });
    await expect(run(connection, 'PING')).resolves.toBe('PONG');
  });

  test('arguments beyond one call are staged', async () => {
    await using connection = open();
    const members = Array.from({ length: 500 }, (_, i) => `m${i}`);
    connection.stage(...members);
    expect(await run(connection, 'SADD', `set:${lane}`)).toBe(500);
    expect(await run(connection, 'SCARD', `set:${lane}`)).toBe(500);
  });

  test('calls beyond the limit wait for room and are all answered', async () => {
    await using connection = open({ maxInFlight: 10 });
    const echoed = await Promise.all(Array.from({ length: 1000 }, (_, i) => run(connection, 'ECHO', String(i))));
    expect(echoed).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)));
  });

  test('calls beyond the limit are refused at once when they should fail fast', async () => {
    await using connection = open({ maxInFlight: 10, failFast: true });
    const settled = await Promise.allSettled(Array.from({ length: 30 }, () => run(connection, 'PING')));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'ERR_FERRODIS_BACKPRESSURE', retryable: true },
    });
  });

  test('bytes that wait are bounded, and the calls behind them are answered later', async () => {
    await using connection = open({ maxQueuedBytes: 64 * 1024 });
    const large = 'x'.repeat(100_000);
    const lengths = await Promise.all(Array.from({ length: 50 }, () => run(connection, 'ECHO', large)));
    expect(lengths.every((text) => text === large)).toBe(true);
  });

  test('a call that nobody answers is rejected at its deadline, its outcome unknown', async () => {
    await using proxy = await Proxy.start({ port: redis.port });
    await using connection = open({ port: proxy.port, callTimeout: 2000 });
    await run(connection, 'PING');
    proxy.blackhole('down');
    const begun = performance.now();
    const error = await connection.call(read, value, 'GET', 'k').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ outcome: 'unknown', retryable: true });
    expect(performance.now() - begun).toBeLessThan(10_000);
    proxy.heal();
  });

  test('a call without a connection is rejected at its deadline, without effect', async () => {
    await using connection = open({ port: 1, callTimeout: 200 });
    await expect(run(connection, 'PING')).rejects.toMatchObject({ code: 'ERR_FERRODIS_TIMEOUT', outcome: 'none' });
  });

  test('a panic rejects the calls that it may have harmed, and the connection goes on', async () => {
    await using connection = open();
    await run(connection, 'PING');
    const [now, later] = await Promise.allSettled([connection.call(panic, value), connection.call(panicLater, value)]);
    const reason = { code: 'ERR_FERRODIS_INTERNAL', message: 'an operation panicked; please report this' };
    expect(now).toMatchObject({ status: 'rejected', reason });
    expect(later).toMatchObject({ status: 'rejected', reason });
    await expect(run(connection, 'PING')).resolves.toBe('PONG');
  });

  test('the async context of the caller is kept', async () => {
    await using connection = open();
    const storage = new AsyncLocalStorage<number>();
    const seen = await Promise.all(
      [1, 2, 3].map((id) =>
        storage.run(id, async () => {
          await run(connection, 'PING');
          await run(connection, 'PING');
          return storage.getStore();
        }),
      ),
    );
    expect(seen).toEqual([1, 2, 3]);
  });

  test('a closed connection rejects what is pending and what comes later, and closing twice is harmless', async () => {
    await using proxy = await Proxy.start({ port: redis.port });
    const connection = open({ port: proxy.port });
    await run(connection, 'PING');
    proxy.blackhole('down');
    const pending = run(connection, 'SET', `pending:${lane}`, 'sent').catch((reason: unknown) => reason);
    await using other = open();
    await expect.poll(() => run(other, 'GET', `pending:${lane}`)).toBe('sent');
    await Promise.all([connection.close({ timeoutMs: 50 }), connection.close()]);
    expect(await pending).toMatchObject({ code: 'ERR_FERRODIS_CLOSED', outcome: 'unknown' });
    await expect(run(connection, 'PING')).rejects.toMatchObject({ code: 'ERR_FERRODIS_CLOSED', outcome: 'none' });
    proxy.heal();
  });

  test('closing waits for calls that are under way', async () => {
    const connection = open();
    const slow = run(connection, 'EVAL', 'local n = 0 for i = 1, 3000000 do n = n + 1 end return n', '0');
    await connection.close();
    await expect(slow).resolves.toBe(3_000_000);
  });

  test('an answer that came while the thread was held up counts, though the deadline has passed', async () => {
    await using connection = open({ callTimeout: 2000 });
    await run(connection, 'PING');
    const key = `held-up:${lane}`;
    const call = run(connection, 'INCR', key);
    await new Promise(process.nextTick);
    const begun = performance.now();
    // Ends once another process has seen what the call did; its last answer comes after the one to the call.
    const seen = `
      const redis = await (await import('redis6')).createClient({ url: '${redis.url}' }).connect();
      while ((await redis.get('${key}')) === null);
      await redis.ping();
      redis.destroy();`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', seen]);
    while (performance.now() - begun < 2100);
    expect(await call).toBe(1);
  });

  test('two holders of one target share sockets, and one leaving does not disturb the other', async () => {
    await using first = open({ clientName: `shared-${lane}` });
    const second = open({ clientName: `shared-${lane}` });
    await Promise.all([run(first, 'PING'), run(second, 'PING')]);
    const list = (await run(first, 'CLIENT', 'LIST')) as string;
    expect(list.split('\n').filter((line) => line.includes(`name=shared-${lane}`))).toHaveLength(1);
    await second.close();
    await expect(run(first, 'PING')).resolves.toBe('PONG');
  });
});

test('an unknown or ill-typed option is refused by name', () => {
  expect(() => Connection.open({ hots: 'x' } as never)).toThrow('hots: is not a connection option');
  expect(() => Connection.open({ port: '6379' } as never)).toThrow('port: must be a number');
  expect(() => Connection.open({ port: 70_000 })).toThrow('port: must be a whole number from 1 to 65535');
  expect(() => Connection.open({ tls: { ca: 7 } } as never)).toThrow('tls.ca: must be PEM');
});
