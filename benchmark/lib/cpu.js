/**
 * CPU time of the running process, and where processes run.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';

/** CPU time of the main thread of process `pid` so far, in microseconds. */
export function cpuTimeOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1000;
}

/**
 * CPU time used so far, in microseconds: `main` by the main thread (which runs the JavaScript), `total` by all threads.
 * The kernel's scheduler statistics count in nanoseconds; `getrusage`, which counts the whole process, in microseconds.
 */
export function cpuTime() {
  const { user, system } = process.cpuUsage();
  return { main: cpuTimeOf(process.pid), total: user + system };
}

/**
 * Where client and server run:
 * - `one`: both on core 0. The quietest, because nothing has to wake another core; throughput is then the inverse of the CPU time that client and server use together;
 * - `split`: the server on core 0, the client on core 1;
 * - `none`: where the scheduler puts them.
 */
export const PLACEMENTS = {
  one: { client: '0', server: '0' },
  split: { client: '1', server: '0' },
  none: { client: undefined, server: undefined },
};

/** Throws unless this machine can carry out the measurements: Linux, with `taskset` when processes are to be pinned. */
export function requirePlacement(name) {
  const placement = PLACEMENTS[name];
  if (placement === undefined)
    throw new Error(`unknown placement "${name}": use ${Object.keys(PLACEMENTS).join(', ')}`);
  if (process.platform !== 'linux')
    throw new Error('the benchmarks read per-thread CPU time from /proc, so they need Linux');
  if (placement.client !== undefined && spawnSync('taskset', ['--version']).error !== undefined) {
    throw new Error('pinning needs taskset (util-linux); use --placement none without it');
  }
  if (name === 'split' && availableParallelism() < 2) throw new Error('placement "split" needs two cores');
  return placement;
}

/** Command line that runs `command` on the given cores; the command itself when there is nothing to pin. */
export function pinned(cores, command, args) {
  return cores === undefined ? [command, args] : ['taskset', ['-c', cores, command, ...args]];
}

/** Moves a running process, with all its threads, to the given cores; does nothing when there are none. */
export function pin(pid, cores) {
  if (cores === undefined) return;
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, `${pid}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`process ${pid} could not be pinned: ${stderr}`);
}

/** Ticks (10 ms) that the hypervisor took from this machine since boot: any rise in a session makes its figures doubtful. */
export function stolenTicks() {
  return Number(readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/)[8]);
}

/** What the figures were taken on. */
export function machine() {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return {
    takenAt: new Date().toISOString(),
    cpu: model,
    cores: availableParallelism(),
    kernel,
    node: process.version,
    loadAtStart: loadavg()[0],
  };
}
