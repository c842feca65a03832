/** Objects that cannot be served, and options that native code cannot carry. */
import process from 'node:process';

import { type Bag, isUnset } from './foreign.js';
import { aKind, type ClientKind } from './recognise.js';

/** A brought object that cannot be served. `code` is stable. */
export class UnsupportedClientError extends TypeError {
  /** Always `ERR_UNSUPPORTED_REDIS_CLIENT`. */
  readonly code = 'ERR_UNSUPPORTED_REDIS_CLIENT';

  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedClientError';
  }
}

/** An option that native code cannot carry: it becomes a refusal, or driving. */
export class Uncarriable extends Error {
  /** The path of the option, as `tls.lookup`. */
  readonly option: string;

  constructor(option: string) {
    super(`${option} cannot be used by the native client`);
    this.option = option;
  }
}

/** @throws Uncarriable for the first of the options that is set */
export function refuseSet(options: Bag, names: readonly string[], path = ''): void {
  const set = names.find((name) => !isUnset(options[name]));
  if (set !== undefined) throw new Uncarriable(path + set);
}

const NOT_DRIVEN = 'cannot be used by the native client, and this kind cannot be driven from JavaScript';

/** The refusal of a client because of one option. */
export function unsupportedOption(user: string, kind: ClientKind, option: string): UnsupportedClientError {
  return new UnsupportedClientError(
    `${user}: got ${aKind(kind)} whose ${option} ${NOT_DRIVEN}. Pass an ioredis client, or ${aKind(kind)} without ${option}.`,
  );
}

/** The refusal of a whole kind of object. */
export function unsupportedKind(user: string, kind: ClientKind): UnsupportedClientError {
  return new UnsupportedClientError(
    `${user}: got ${aKind(kind)}, which ${NOT_DRIVEN}. Pass a standalone node-redis or ioredis client, or a URL.`,
  );
}

/** Tells the owner of the process, once for a client, why it does not get a native connection. */
export function warnOfFallback(user: string, kind: ClientKind, option: string | undefined): void {
  const what = option === undefined ? aKind(kind) : `${aKind(kind)} whose ${option}`;
  process.emitWarning(
    `${user}: got ${what}${option === undefined ? ', which' : ''} cannot be used by the native client: ` +
      'the client itself is driven, which is slower',
    { code: 'REDIS_NATIVE_FALLBACK' },
  );
}
