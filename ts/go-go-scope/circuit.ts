/** What a failure makes of the stored state of a circuit, for states that the script leaves to JavaScript. */
import type { CircuitBreakerPersistedState } from './types.js';

/** The next state, with its fields in the order in which they are stored. Reads anything that parses. */
export function afterFailure(before: unknown, maxFailures: number, now: number): CircuitBreakerPersistedState {
  const previous = before as Partial<CircuitBreakerPersistedState> | null | undefined;
  const failureCount = (previous?.failureCount ?? 0) + 1;
  const state = failureCount >= maxFailures ? 'open' : (previous?.state ?? 'closed');
  return { state, failureCount, lastFailureTime: now };
}

/** The state after a success. */
export function afterSuccess(now: number): CircuitBreakerPersistedState {
  return { state: 'closed', failureCount: 0, lastSuccessTime: now };
}
