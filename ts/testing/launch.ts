/** Starting a server program, waiting until it is ready, and making sure that it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer, StartRedisOptions, TestCertificates } from '../testing.js';
import { testAuthority } from './certificate.js';
import { ServerStartError } from './errors.js';
import { identify, processOf, serverInfo } from './probe.js';
import { openTlsFront } from './tls-front.js';

const HOST = '127.0.0.1';
/** Longest wait for a started server, in milliseconds. */
const START_PATIENCE = 30_000;
/** Longest wait for an orderly shutdown before the server is killed, in milliseconds. */
const STOP_PATIENCE = 3_000;
/** After that, in milliseconds, whoever answers on the port is taken for the server that was started. */
const STRANGER_PATIENCE = 5_000;
/** Free ports to try: between finding one and using it, another process may take it. */
const PORT_ATTEMPTS = 5;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.on('error', reject);
    listener.listen(0, HOST, () => {
      const { port } = listener.address() as AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}

/** Writes certificates into the folder of a server: the directives that use them, and what clients need. */
function setUpTls(
  folder: string,
  clientAuth: boolean,
): { config: Record<string, string>; certificates: TestCertificates } {
  const authority = testAuthority();
  const server = authority.issue('localhost');
  const client = authority.issue('client');
  const store = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    config: {
      'tls-ca-cert-file': store('ca.pem', authority.certificate),
      'tls-cert-file': store('server.pem', server.certificate),
      'tls-key-file': store('server.key', server.key),
      'tls-auth-clients': clientAuth ? 'yes' : 'no',
    },
    certificates: { ca: authority.certificate, cert: client.certificate, key: client.key },
  };
}

/**
 * A shell that waits for the end of this process, however it comes about, and then removes what it left: the pipe to
 * its standard input closes. Both it and the server are leaders of their own sessions, so that Ctrl-C reaches neither.
 */
function guard(pid: number, folder: string): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const script = 'read -r _; kill -9 "$1" 2>/dev/null; rm -rf "$2"';
  const child = spawn('/bin/sh', ['-c', script, 'ferrodis-guard', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  // A pipe is a socket underneath, and only as such can it be told not to keep this process alive.
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  return child;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE);
  await ended;
  clearTimeout(killer);
}

/** Starts `binary` as {@link StartRedisOptions} says. */
export async function launch(binary: string, options: StartRedisOptions): Promise<RedisServer> {
  try {
    return await launchOnFreePort(binary, options);
  } catch (error) {
    // Some builds leave TLS out, and do not say so before they are asked for it.
    if (!(error instanceof ServerStartError) || !options.tls) throw error;
    return launchBehindTls(binary, options);
  }
}

async function launchBehindTls(binary: string, { tls, port = 0, ...plain }: StartRedisOptions): Promise<RedisServer> {
  const server = await launchOnFreePort(binary, plain);
  const front = await openTlsFront(port, typeof tls === 'object' && tls.clientAuth === true, server);
  const url = new URL(server.url.replace('redis:', 'rediss:'));
  url.port = String(front.port);
  const stop = async (): Promise<void> => {
    front.close();
    await server.stop();
  };
  const { port: listening, certificates } = front;
  return { ...server, url: url.href, port: listening, tls: certificates, stop, [Symbol.asyncDispose]: stop };
}

/** On another port if a free one was lost to somebody else. */
async function launchOnFreePort(binary: string, options: StartRedisOptions): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await launchOn(port, binary, options);
    } catch (error) {
      const taken = error instanceof ServerStartError && /address already in use/i.test(error.message);
      if (!taken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function launchOn(port: number, binary: string, options: StartRedisOptions): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ferrodis-'));
  const log = join(folder, 'server.log');
  const path = options.unixSocket ? join(folder, 'redis.sock') : undefined;
  const tls = options.tls
    ? setUpTls(folder, typeof options.tls === 'object' && options.tls.clientAuth === true)
    : undefined;
  const config: Record<string, string> = {
    bind: HOST,
    ...(tls ? { port: '0', 'tls-port': String(port), ...tls.config } : { port: String(port) }),
    ...(path && { unixsocket: path, unixsocketperm: '700' }),
    ...(options.password && { requirepass: options.password }),
    dir: folder,
    logfile: log,
    save: '',
    appendonly: 'no',
    ...options.config,
  };
  const directives = Object.entries(config).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn(binary, [...directives, ...(options.args ?? [])], { stdio: 'ignore', detached: true });
  let spawnError: Error | undefined;
  server.on('error', (error) => (spawnError = error));
  server.unref();
  const warden = server.pid === undefined ? undefined : guard(server.pid, folder);

  const stop = async (): Promise<void> => {
    await end(server);
    warden?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const logged = (): string => {
    try {
      return readFileSync(log, 'utf8');
    } catch {
      return ''; // it never came as far, or logs elsewhere
    }
  };
  const isReady = (): boolean => logged().includes('Ready to accept connections');
  const explain = (what: string): ServerStartError => {
    const tail = logged().trimEnd().split('\n').slice(-5).join('\n');
    return new ServerStartError(`${binary} ${what}${tail && `:\n${tail}`}`, { cause: spawnError });
  };

  const target = { host: HOST, port, ...(options.password && { password: options.password }), tls: tls?.certificates };
  const late = Date.now() + STRANGER_PATIENCE;
  for (const deadline = Date.now() + START_PATIENCE; ;) {
    if (spawnError || hasEnded(server)) {
      const failure = explain(spawnError ? `could not be started (${spawnError.message})` : 'ended while starting');
      await stop();
      throw failure;
    }
    const info = await serverInfo(target).catch((error: Error) => error);
    // Where the port is taken, its owner answers while ours is about to end. The child of a wrapper has another number.
    const isOurs = typeof info === 'string' && (processOf(info) === server.pid || isReady() || Date.now() > late);
    if (isOurs && !hasEnded(server)) {
      const credentials = options.password ? `:${encodeURIComponent(options.password)}@` : '';
      return {
        url: `${tls ? 'rediss' : 'redis'}://${credentials}${HOST}:${port}`,
        host: HOST,
        port,
        path,
        pid: server.pid,
        tls: tls?.certificates,
        ...identify(info),
        stop,
        [Symbol.asyncDispose]: stop,
      };
    }
    if (info instanceof Error && Date.now() > deadline) {
      const failure = explain(`was not ready after ${START_PATIENCE} ms (${info.message})`);
      await stop();
      throw failure;
    }
    await sleep(10);
  }
}
