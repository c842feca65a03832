/** Looking for a server program on this machine, without installing anything. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Programs in the folders of `PATH`, one name at a time: any Valkey is preferred to any Redis. */
function* onPath(): Generator<string> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  for (const name of ['valkey-server', 'redis-server']) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      if (folder) yield join(folder, name + suffix);
    }
  }
}

/** Servers that the npm package `redis-memory-server` compiled earlier. */
function* inMemoryServerCaches(): Generator<string> {
  const caches = [
    join(homedir(), '.cache', 'redis-binaries'),
    join(process.cwd(), 'node_modules', '.cache', 'redis-memory-server', 'redis-binaries'),
  ];
  for (const cache of caches) {
    let versions: string[];
    try {
      versions = readdirSync(cache);
    } catch {
      continue;
    }
    for (const version of versions) yield join(cache, version, 'redis-server');
  }
}

/** The server that the set-up of the ferrodis repository unpacks where it can install none. */
function* inOwnCache(): Generator<string> {
  yield fileURLToPath(new URL('../../.cache/servers/valkey-server', import.meta.url));
}

/**
 * Path of the server program that `startRedis()` would start: `REDIS_SERVER_BIN` if that is set, else the first of
 * `valkey-server` and `redis-server` on `PATH`, else one that `redis-memory-server` has cached. Undefined if there is
 * none.
 */
export function findServer(): string | undefined {
  const chosen = process.env['REDIS_SERVER_BIN'];
  if (chosen) return chosen;
  for (const source of [onPath, inMemoryServerCaches, inOwnCache]) {
    for (const file of source()) if (runnable(file)) return file;
  }
  return undefined;
}
