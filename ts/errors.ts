/**
 * The errors of ferrodis: one base class, one subclass for each kind, all with stable codes.
 *
 * Native code sends the fields; the classes are made here and only here. Messages name options, arguments and
 * commands, never values or secrets.
 */

/** What is known about the effect of a failed call: it had none, it may have had it once, it had it. */
export type Outcome = 'none' | 'unknown' | 'done';

/** Stable error codes, protected by semantic versioning. */
export type ErrorCode =
  | 'ERR_FERRODIS_ARGUMENT'
  | 'ERR_FERRODIS_CONFIG'
  | 'ERR_FERRODIS_UNSUPPORTED'
  | 'ERR_FERRODIS_CONNECTION'
  | 'ERR_FERRODIS_AUTH'
  | 'ERR_FERRODIS_TIMEOUT'
  | 'ERR_FERRODIS_CLOSED'
  | 'ERR_FERRODIS_BACKPRESSURE'
  | 'ERR_FERRODIS_TOO_LARGE'
  | 'ERR_FERRODIS_REPLY'
  | 'ERR_FERRODIS_PROTOCOL'
  | 'ERR_FERRODIS_LEASE_LOST'
  | 'ERR_FERRODIS_INTERNAL';

/** What an error carries besides its message. */
export interface ErrorFields {
  /** Default `none`. */
  readonly outcome?: Outcome;
  /** Whether the same call may succeed later. Default false. */
  readonly retryable?: boolean;
  /** The operation, as `conveyor.saveJob`. */
  readonly operation?: string;
  /** The first word of a server error, as `WRONGTYPE`. */
  readonly replyCode?: string;
  readonly cause?: unknown;
}

const BRAND: unique symbol = Symbol.for('ferrodis.error') as never;

/** The base of all errors of ferrodis. `instanceof` also holds across two copies of the package. */
export class FerrodisError extends Error {
  /** Stable, see {@link ErrorCode}. */
  readonly code: ErrorCode;
  /** What is known about the effect of the call. */
  readonly outcome: Outcome;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** The operation that failed, empty for errors of options. */
  readonly operation: string;
  /** The first word of a server error; undefined for others. */
  readonly replyCode: string | undefined;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.code = code;
    this.outcome = fields.outcome ?? 'none';
    this.retryable = fields.retryable ?? false;
    this.operation = fields.operation ?? '';
    this.replyCode = fields.replyCode;
    Object.defineProperty(this, BRAND, { value: code });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    const code = (value as { [BRAND]?: unknown })[BRAND];
    if (code === undefined) return false;
    return (this as unknown) === FerrodisError || (classes[code as ErrorCode] as unknown) === this;
  }
}

/** An argument of a call is missing or has the wrong form; the message names it. */
export class ArgumentError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_ARGUMENT', message, fields);
  }
}

/** A connection option is wrong; the message names its path. */
export class ConfigError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_CONFIG', message, fields);
  }
}

/** Not possible with this client, server or platform. */
export class UnsupportedError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_UNSUPPORTED', message, fields);
  }
}

/** No connection, or the connection broke; see `outcome`. */
export class ConnectionError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_CONNECTION', message, fields);
  }
}

/** The server refused the credentials or the permission. */
export class AuthError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_AUTH', message, fields);
  }
}

/** The deadline of the call passed; see `outcome`. */
export class TimeoutError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_TIMEOUT', message, fields);
  }
}

/** The store or connection was closed before or during the call. */
export class ClosedError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_CLOSED', message, fields);
  }
}

/** Too much is waiting, and the caller asked to fail fast or the last limit is reached. */
export class BackpressureError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_BACKPRESSURE', message, { retryable: true, ...fields });
  }
}

/** A value or reply beyond the limits. */
export class TooLargeError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_TOO_LARGE', message, fields);
  }
}

/** The server answered with an error, whose text is the message. */
export class ReplyError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_REPLY', message, fields);
  }
}

/** The server did not speak the Redis protocol. */
export class ProtocolError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_PROTOCOL', message, fields);
  }
}

/** The lease or lock is no longer held by this caller; nothing was changed. */
export class LeaseLostError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_LEASE_LOST', message, fields);
  }
}

/** A defect of ferrodis. */
export class InternalError extends FerrodisError {
  constructor(message: string, fields?: ErrorFields) {
    super('ERR_FERRODIS_INTERNAL', message, fields);
  }
}

const classes: Record<ErrorCode, new (message: string, fields?: ErrorFields) => FerrodisError> = {
  ERR_FERRODIS_ARGUMENT: ArgumentError,
  ERR_FERRODIS_CONFIG: ConfigError,
  ERR_FERRODIS_UNSUPPORTED: UnsupportedError,
  ERR_FERRODIS_CONNECTION: ConnectionError,
  ERR_FERRODIS_AUTH: AuthError,
  ERR_FERRODIS_TIMEOUT: TimeoutError,
  ERR_FERRODIS_CLOSED: ClosedError,
  ERR_FERRODIS_BACKPRESSURE: BackpressureError,
  ERR_FERRODIS_TOO_LARGE: TooLargeError,
  ERR_FERRODIS_REPLY: ReplyError,
  ERR_FERRODIS_PROTOCOL: ProtocolError,
  ERR_FERRODIS_LEASE_LOST: LeaseLostError,
  ERR_FERRODIS_INTERNAL: InternalError,
};

/**
 * The error that native code describes: the name after `ERR_FERRODIS_`, the outcome, `1` for retryable, the reply
 * code and the message.
 */
export function errorFromFields(fields: readonly (string | null)[], operation: string): FerrodisError {
  const [name, outcome, retryable, replyCode, message] = fields;
  const Class = classes[`ERR_FERRODIS_${name}` as ErrorCode] ?? InternalError;
  return new Class(message ?? '', {
    outcome: (outcome ?? 'unknown') as Outcome,
    retryable: retryable === '1',
    operation,
    ...(replyCode ? { replyCode } : {}),
  });
}
