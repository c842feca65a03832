import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { findServer, ServerNotFoundError, ServerStartError, startRedis } from 'ferrodis/testing';

/** Sends inline commands over a socket of either kind and resolves with the first answer. */
function ask(target: { port: number } | { path: string }, line: string, tls?: ConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = '127.0.0.1';
    const socket = tls
      ? connectTls({ host, servername: 'localhost', ...target, ...tls })
      : connect({ host, ...target });
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(`${line}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().trim());
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
  });
}

const refuses = (port: number): Promise<boolean> =>
  ask({ port }, 'PING').then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
  );

/** Runs `body` with environment variables changed. */
async function withEnvironment(changes: Record<string, string | undefined>, body: () => Promise<void>): Promise<void> {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  try {
    await body();
  } finally {
    process.env = before;
  }
}

const local = { REDIS_URL: undefined };

test("somebody else's server on the port is not taken for one's own, however slowly that one starts", async () => {
  await using other = await startRedis({ config: {} });
  const folder = await mkdtemp(join(tmpdir(), 'ferrodis-slow-'));
  const binary = join(folder, 'server');
  await writeFile(binary, `#!/bin/sh\nsleep 0.3\nexec ${findServer()} "$@"\n`, { mode: 0o755 });
  await expect(startRedis({ binary, port: other.port })).rejects.toThrow(/address already in use/i);
  await rm(folder, { recursive: true });
});

test('a started server answers, says what it is, and is gone after its block', async () => {
  await withEnvironment(local, async () => {
    let port: number;
    {
      await using redis = await startRedis();
      port = redis.port;
      expect(redis.url).toBe(`redis://127.0.0.1:${port}`);
      expect(redis.version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(['redis', 'valkey']).toContain(redis.kind);
      expect(await ask({ port }, 'PING')).toBe('+PONG');
    }
    expect(await refuses(port)).toBe(true);
  });
});

test('stop() may be called twice', async () => {
  await withEnvironment(local, async () => {
    const redis = await startRedis();
    await Promise.all([redis.stop(), redis.stop()]);
    await redis.stop();
    expect(await refuses(redis.port)).toBe(true);
  });
});

test('a password is demanded, and the URL carries it', async () => {
  await using redis = await startRedis({ password: 'p@ss/word' });
  expect(new URL(redis.url).password).toBe(encodeURIComponent('p@ss/word'));
  expect(await ask({ port: redis.port }, 'PING')).toMatch(/^-NOAUTH/);
  expect(await ask({ port: redis.port }, 'AUTH p@ss/word')).toBe('+OK');
});

test('a unix socket is offered beside TCP', async () => {
  await using redis = await startRedis({ unixSocket: true });
  expect(await ask({ path: redis.path! }, 'PING')).toBe('+PONG');
  expect(await ask({ port: redis.port }, 'PING')).toBe('+PONG');
});

test('configuration and arguments reach the server', async () => {
  await using redis = await startRedis({ config: { maxmemory: '12345678' }, args: ['--databases', '3'] });
  expect(await ask({ port: redis.port }, 'CONFIG GET maxmemory')).toContain('12345678');
  expect(await ask({ port: redis.port }, 'SELECT 3')).toMatch(/^-ERR/);
});

test('a TLS server has a certificate that its own authority vouches for', async () => {
  await using redis = await startRedis({ tls: true });
  expect(redis.url).toMatch(/^rediss:/);
  expect(await ask({ port: redis.port }, 'PING', { ca: redis.tls!.ca })).toBe('+PONG');
  await expect(ask({ port: redis.port }, 'PING', {})).rejects.toThrow(/certificate/);
});

test('client certificates are demanded when asked for', async () => {
  await using redis = await startRedis({ tls: { clientAuth: true } });
  const { ca, cert, key } = redis.tls!;
  expect(await ask({ port: redis.port }, 'PING', { ca, cert, key })).toBe('+PONG');
  await expect(ask({ port: redis.port }, 'PING', { ca })).rejects.toThrow();
});

test('REDIS_URL is used as it is, and left running', async () => {
  await using running = await startRedis({ password: 'secret' });
  await withEnvironment({ REDIS_URL: running.url }, async () => {
    const redis = await startRedis();
    expect(redis).toMatchObject({ url: running.url, port: running.port, version: running.version, pid: undefined });
    await redis.stop();
    expect(await refuses(running.port)).toBe(false);
  });
});

test('REDIS_SERVER_BIN comes first, and an unusable one is a typed error', async () => {
  await withEnvironment({ ...local, REDIS_SERVER_BIN: '/nonexistent/redis-server' }, async () => {
    expect(findServer()).toBe('/nonexistent/redis-server');
    await expect(startRedis()).rejects.toThrow(ServerStartError);
  });
});

test('a bad directive fails with what the server said', async () => {
  await expect(startRedis({ config: { maxclients: 'many' } })).rejects.toThrow(/ended while starting/);
});

test('a program that a script starts is served all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ferrodis-script-'));
  const script = join(folder, 'server.sh');
  // Not by `exec`: the server has another process id, and ends with the script.
  await writeFile(script, `#!/bin/sh\n'${findServer()}' "$@" &\ntrap 'kill $!; wait' TERM\nwait\n`, { mode: 0o755 });
  {
    await using redis = await startRedis({ binary: script });
    expect(await ask({ port: redis.port }, 'PING')).toBe('+PONG');
  }
  await rm(folder, { recursive: true });
});

test('ServerNotFoundError says how to install a server', () => {
  expect(new ServerNotFoundError()).toMatchObject({ code: 'ERR_FERRODIS_SERVER_NOT_FOUND' });
  expect(new ServerNotFoundError().message).toMatch(/REDIS_SERVER_BIN/);
});

test('a server ends with a parent that is killed, and its folder is removed', async () => {
  const script = `
    import { startRedis } from 'ferrodis/testing';
    const redis = await startRedis({ unixSocket: true });
    console.log(JSON.stringify({ port: redis.port, path: redis.path }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => parent.stdout.once('data', (data) => resolve(String(data))));
  const { port, path } = JSON.parse(line) as { port: number; path: string };
  expect(await ask({ port }, 'PING')).toBe('+PONG');
  parent.kill('SIGKILL');
  for (let left = 300; left > 0 && (!(await refuses(port)) || existsSync(path)); left--) await sleep(100);
  expect(await refuses(port)).toBe(true);
  expect(existsSync(path)).toBe(false);
});

test('an unstopped server does not keep its process alive', async () => {
  const script = `import { startRedis } from 'ferrodis/testing'; await startRedis();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
});
