/**
 * The only file that loads native code. It has the types of the raw functions of `src/bridge/entry.rs` and the trace
 * switch: with `FERRODIS_TRACE=1` every crossing is written to standard error, without its arguments.
 */
import process from 'node:process';
import { bridge, type NativeOptions } from '../index.js';

export type { NativeOptions };

/** The fields of an error, as `errorFromFields` takes them. */
export type NativeError = readonly string[];

/** An argument: `null` and `undefined` cross as "absent". */
export type Arg = string | null | undefined;

/** The native functions. Numbers are unsigned 32-bit integers. */
export interface Native {
  readonly version: string;
  /** Connects this side: once, before anything else. */
  attach(
    settle: (source: string | undefined, count: number) => void,
    grow: (length: number) => void,
    isNode: boolean,
  ): void;
  /** Where replies are described from now on. */
  tokens(array: Int32Array): void;
  /** The names of all operations; a call names one by its index. */
  operations(): string[];
  /** What is wrong with the options, if anything. */
  check(options: NativeOptions): NativeError | undefined;
  /**
   * The number of a connection: an equal one of the same owner that is open, or a new one. Owner 0 is everybody. Opens
   * no socket yet.
   */
  open(options: NativeOptions, owner: number): number | NativeError;
  /** Answers a `dial` event: ms to wait, or undefined for the usual; with 1, as whom to log in. */
  advise(question: number, pause: number | undefined, as: 0 | 1, username?: string, password?: string): void;
  /** Begins an operation. It is settled exactly once, never during this call. True: new calls should wait. */
  submit(link: number, operation: number, slot: number, ...args: Arg[]): boolean | undefined;
  /** Arguments that follow those of the next submit; at most 64 in a call. */
  stage(...args: Arg[]): void;
  /** Sends what was submitted since the last flush. */
  flush(): void;
  listen(link: number, listener: number, channel: string, origin: string | undefined): NativeError | undefined;
  interest(link: number, listener: number, key: string, wanted: 0 | 1): void;
  unlisten(link: number, listener: number): void;
  /** Begins to renew a lock; an event `lost` with its number tells its loss. */
  renew(
    link: number,
    lock: number,
    key: string,
    owner: string,
    ttl: number,
    maxSilence: number,
  ): NativeError | undefined;
  unrenew(link: number, lock: number): void;
  /** A sign of life, without which locks are not renewed. */
  beat(): void;
  /** A text that as a hash tag puts a key into the cluster slot of this one; the same for all keys of the slot. */
  slotTag(key: string): string;
  /** Rejects what is pending and closes the sockets. */
  close(link: number): void;
}

/** Node, as opposed to runtimes that imitate it: only there is the event loop libuv's. */
export const isNode: boolean =
  process.versions['node'] !== undefined && process.versions['bun'] === undefined && !('Deno' in globalThis);

function traced(target: Native): Native {
  return new Proxy(target, {
    get(object, name: keyof Native) {
      const member = object[name];
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        process.stderr.write(`ferrodis ${name} {\n`);
        try {
          return (member as (...args: unknown[]) => unknown)(...args);
        } finally {
          process.stderr.write(`ferrodis ${name} }\n`);
        }
      };
    },
  });
}

const loaded = bridge() as Native;

/** The native functions of this environment. */
export const native: Native = process.env['FERRODIS_TRACE'] === '1' ? traced(loaded) : loaded;
