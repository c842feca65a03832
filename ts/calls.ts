/**
 * Promises on this side of the bridge: a slot for each pending call, one flush a tick, one settle for many replies.
 *
 * Settling builds values and settles promises, and nothing else. What runs foreign code (events, faults, calls that
 * waited for room) comes after the last reply of the batch, since it may call anything in here again.
 */
import { nextTick } from 'node:process';
import { errorFromFields, type FerrodisError } from './errors.js';
import { type Arg, isNode, native } from './native.js';
import { type Decode, Reply } from './reply.js';

/** Who made a call, and hears that it is over. */
export interface Owner {
  /** The native number of the connection. */
  readonly link: number;
  /** A call ended. True: others wait for room, so call `afterBatch`. Runs no foreign code. */
  settled(): boolean;
  /** What the caller is told instead of this error. */
  refusal(error: FerrodisError): Error;
  /** The batch is over: foreign code may run. */
  afterBatch(): void;
  /** Something happened to the connection. Reads the event, returns what to run after the batch. */
  event(name: string, reply: Reply, length: number): (() => void) | undefined;
}

const OK = 0;
const EVENT = 2;

const resolves: Array<((value: never) => void) | undefined> = [];
const rejects: Array<((error: unknown) => void) | undefined> = [];
const decodes: Array<Decode<unknown> | undefined> = [];
const owners: Array<Owner | undefined> = [];
const operationOf: number[] = [];
const free: number[] = [];

const connections = new Map<number, Owner>();
const names: readonly string[] = native.operations();
const reply = new Reply();
let tokens = new Int32Array(0);
let slot = 0;
let armed = false;
let heard = 0;
let isHearing = false;
let isOfMany = false;
let speaker: Owner | undefined;

/** One function for all promises: it stores the settlers of the slot that is being filled. */
const executor = (resolve: (value: never) => void, reject: (error: unknown) => void): void => {
  resolves[slot] = resolve;
  rejects[slot] = reject;
};

function flush(): void {
  armed = false;
  native.flush();
}

function grow(length: number): void {
  tokens = new Int32Array(length);
  native.tokens(tokens);
}

/** The five fields of an error, read from the reply. */
export function readError(from: Reply, operation: string): FerrodisError {
  return errorFromFields([from.text(), from.text(), from.text(), from.text(), from.text()], operation);
}

/** Numbers what was heard last: a batch of replies of one connection, or something that may be newer than they. */
export function hearing(): number {
  return heard;
}

/** The batch is over, and the first of the jobs that it set off. Of many voices nobody knows whose word is newer. */
function heardOut(): void {
  isHearing = false;
  if (isOfMany) heard++;
  isOfMany = false;
  speaker = undefined;
}

/** Called once or several times for a batch, before any job that its promises set off. */
function settle(source: string | undefined, count: number): void {
  let after: Array<() => void> | undefined;
  let waiting: Set<Owner> | undefined;
  if (!isHearing) {
    isHearing = true;
    heard++;
    queueMicrotask(heardOut);
  }
  for (let i = 0, at = 0; i < count; i++) {
    const index = tokens[at] as number;
    const status = tokens[at + 1];
    const end = tokens[at + 2] as number;
    reply.begin(source, tokens, at + 3);
    at = end;
    if (status === EVENT) {
      const length = reply.list();
      const run = connections.get(index)?.event(reply.text() as string, reply, length - 1);
      if (run !== undefined) (after ??= []).push(run);
      continue;
    }
    const resolve = resolves[index] as (value: unknown) => void;
    const reject = rejects[index] as (error: unknown) => void;
    const decode = decodes[index] as Decode<unknown>;
    const owner = owners[index] as Owner;
    resolves[index] = undefined;
    rejects[index] = undefined;
    decodes[index] = undefined;
    owners[index] = undefined;
    free.push(index);
    isOfMany ||= speaker !== undefined && speaker !== owner;
    speaker = owner;
    if (owner.settled()) (waiting ??= new Set()).add(owner);
    if (status === OK) {
      try {
        resolve(decode(reply));
      } catch (error) {
        reject(error);
      }
    } else {
      reply.list();
      reject(owner.refusal(readError(reply, names[operationOf[index] as number] as string)));
    }
  }
  if (after !== undefined) {
    isOfMany = true;
    heard++;
    for (const run of after) guarded(run);
  }
  if (waiting !== undefined) for (const owner of waiting) owner.afterBatch();
}

/** An exception of foreign code is its own affair: it becomes an uncaught exception, and what comes next goes on. */
export function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    nextTick(() => {
      throw error;
    });
  }
}

native.attach(settle, grow, isNode);
grow(4096);

/** Crosses with the arguments spelt out while they are few: spreading an array into a native call costs more than the call. */
function cross(link: number, operation: number, args: readonly Arg[]): boolean | undefined {
  switch (args.length) {
    case 1:
      return native.submit(link, operation, slot, args[0]);
    case 2:
      return native.submit(link, operation, slot, args[0], args[1]);
    case 3:
      return native.submit(link, operation, slot, args[0], args[1], args[2]);
    default:
      return native.submit(link, operation, slot, ...args);
  }
}

/** Begins a call of `operation` and returns its promise. `full` hears when new calls should wait. */
export function submit<T>(
  owner: Owner,
  operation: number,
  decode: Decode<T>,
  args: readonly Arg[],
  full: () => void,
): Promise<T> {
  slot = free.pop() ?? resolves.length;
  decodes[slot] = decode;
  owners[slot] = owner;
  operationOf[slot] = operation;
  const promise = new Promise<T>(executor as never);
  if (cross(owner.link, operation, args) === true) full();
  if (!armed) {
    armed = true;
    nextTick(flush);
  }
  return promise;
}

/** Events of connection `owner.link` go to `owner` from now on. */
export function register(owner: Owner): void {
  connections.set(owner.link, owner);
}

/** `owner` hears no more. */
export function unregister(owner: Owner): void {
  if (connections.get(owner.link) === owner) connections.delete(owner.link);
}

/** The name of an operation, as `conveyor.saveJob`. */
export function operationName(operation: number): string {
  return names[operation] ?? 'unknown';
}

/** Operation numbers of one ecosystem by method name: `operations('conveyor').saveJob`. */
export function operations(ecosystem: string): Readonly<Record<string, number>> {
  const prefix = `${ecosystem}.`;
  const found: Record<string, number> = {};
  names.forEach((name, index) => {
    if (name.startsWith(prefix)) found[name.slice(prefix.length)] = index;
  });
  return found;
}
