import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Settings } from './application.mjs';

const PROGRAM = fileURLToPath(new URL('process.mjs', import.meta.url));

/** What a process of a test application is started with. */
export interface HostSettings extends Settings {
  /** The file that all processes of a test note their side effects in. */
  effects: string;
  /** Port of the server that holds the jobs; without it, runs are inline. */
  queuePort?: number;
  /** Whether to work on jobs. */
  worker?: boolean;
  /** Name of the step in whose middle the process stops, until `release` is asked for or it is killed. */
  hold?: string;
}

interface Message {
  id?: number;
  ready?: boolean;
  held?: string;
  result?: unknown;
  error?: { message: string; stack?: string };
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: Error) => void;
}

/** `Promise.withResolvers`, which Node 20 does not have; nobody has to await it. */
function deferred<T>(): Deferred<T> {
  const made = {} as Deferred<T>;
  made.promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return made;
}

/** A Pikku application in a process of its own. */
export class Host {
  readonly #process: ChildProcess;
  readonly #asked = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #ready = deferred<void>();
  readonly #held = deferred<string>();
  #next = 0;

  private constructor(settings: HostSettings) {
    this.#process = fork(PROGRAM, [JSON.stringify(settings)], { serialization: 'advanced' });
    this.#process.on('message', (message: Message) => this.#receive(message));
    this.#process.once('exit', (code, signal) => this.#end(new Error(`the host ended (${signal ?? code})`)));
  }

  /** Starts the process and waits until it can be asked. */
  static async start(settings: HostSettings): Promise<Host> {
    const host = new Host(settings);
    await host.#ready.promise;
    return host;
  }

  #receive({ id, ready, held, result, error }: Message): void {
    if (ready) this.#ready.resolve();
    if (held !== undefined) this.#held.resolve(held);
    if (id === undefined) return;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error === undefined) asked?.resolve(result as never);
    else asked?.reject(Object.assign(new Error(error.message), { stack: error.stack }));
  }

  #end(reason: Error): void {
    this.#ready.reject(reason);
    this.#held.reject(reason);
    for (const { reject } of this.#asked.values()) reject(reason);
    this.#asked.clear();
  }

  /** Runs a task of `process.mjs`, or calls a method of the store. */
  async ask<T>(task: string, ...args: unknown[]): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#process.send({ id, task, args });
    });
  }

  /** Starts a run; its id. An inline run of a newer host has ended by then. */
  async run(workflow: string, input: unknown, options: { inline?: boolean } = {}): Promise<string> {
    return this.ask('start', workflow, input, options);
  }

  /** Resolves once the process stands in the middle of the step that it is to be held in. */
  async held(): Promise<string> {
    return this.#held.promise;
  }

  /** Ends the process as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Closes the application and ends the process. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    await this.ask('close').catch(() => {});
    this.#process.disconnect();
    await ended;
  }
}

/** How often each side effect of `tag` happened, over all processes. */
export function effectsOf(file: string, tag: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  for (const line of lines) {
    const [noted, name] = line.split('\t');
    if (noted === tag && name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
