/**
 * The network between an application and its server, as a proxy in a process of its own.
 */

import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { pinned } from './cpu.js';

const PROXY = fileURLToPath(new URL('delay-proxy.js', import.meta.url));

/**
 * Runs `measure` with the port of a proxy that adds a delay on each way.
 *
 * @template T
 * @param {{ port: number, delayMs: number, cores: string | undefined }} options of the server; `cores` of the clients
 * @param {(port: number) => Promise<T>} measure
 * @returns {Promise<T>}
 */
export async function throughDelay({ port, delayMs, cores }, measure) {
  // On the core that client and server leave free: the proxy polls the clock.
  const core = cores === undefined ? undefined : '1';
  const proxy = spawn(...pinned(core, process.execPath, [PROXY, `${port}`, `${delayMs}`]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const listening = await new Promise((resolve, reject) => {
      createInterface(proxy.stdout).once('line', (line) => resolve(Number(line)));
      proxy.once('exit', (code) => reject(new Error(`the delay proxy ended with code ${code}`)));
    });
    return await measure(listening);
  } finally {
    proxy.kill();
  }
}
