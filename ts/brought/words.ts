/** Errors of a derived connection in the words of the library that it stands in for. */
import type { FerrodisError } from '../errors.js';
import { AuthError, ClosedError, ConnectionError, ReplyError, TimeoutError, UnsupportedError } from '../errors.js';

/** What a library says. */
export interface Words {
  /** After the client has ended. */
  readonly closed: string;
  /** While there is no connection and commands may not wait; absent when they may. */
  readonly offline: string | undefined;
  /** When a command took longer than the client allows; absent when the client sets no limit. */
  readonly late: string | undefined;
}

/** A command waited through more attempts to connect than ioredis's option allows. */
export class MaxRetriesPerRequestError extends Error {
  constructor(attempts: number) {
    super(
      `Reached the max retries per request limit (which is ${attempts}). ` +
        'Refer to "maxRetriesPerRequest" option for details.',
    );
    this.name = 'MaxRetriesPerRequestError';
  }
}

/** An error as a library makes it, with our fields out of sight. */
export function spoken(message: string, from?: FerrodisError): Error {
  const error = new Error(message);
  if (from !== undefined) {
    for (const name of ['code', 'outcome', 'retryable', 'operation'] as const) {
      Object.defineProperty(error, name, { value: from[name] });
    }
  }
  return error;
}

/** The error in the words of the library, where it has some. */
export function inWords(words: Words, error: FerrodisError): Error {
  // To the libraries a command that is not permitted failed like any other, with the server's text.
  if (error instanceof AuthError && error.replyCode !== undefined) return new ReplyError(error.message, error);
  if (error instanceof ClosedError) return spoken(words.closed, error);
  if (error instanceof ConnectionError && error.outcome === 'none' && words.offline !== undefined) {
    return spoken(words.offline, error);
  }
  if (error instanceof TimeoutError && words.late !== undefined) return spoken(words.late, error);
  return error;
}

/**
 * Whether the server refuses the credentials or a command to this user, or a cluster the keys of one command, which lie
 * apart: another sequence, or another client, may do.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof AuthError || error instanceof UnsupportedError) return true;
  if (!(error instanceof ReplyError)) return false;
  return error.replyCode === 'ERR' ? REFUSED.test(error.message) : REFUSED_CODES.has(error.replyCode ?? '');
}

const REFUSED_CODES: ReadonlySet<string> = new Set(['NOPERM', 'NOAUTH', 'WRONGPASS']);

/** Servers and proxies that lack a command, or have it switched off, and older ones, have no code of their own for that. */
const REFUSED =
  /unknown (redis )?(sub)?command|ACL failure in script|can't run this command|command .*(disabled|not allowed|not supported)|invalid (username-)?password/i;
