/**
 * Checks at the boundary: every argument of the store passes through here before anything is sent. What is wrong
 * rejects with an `ArgumentError` that names the method and the argument, never the value.
 */

import { ArgumentError } from '../errors.js';
import { isJobState } from './record.js';
import { unhandledState } from './errors.js';
import type { FetchOptions, JobState, NewJob, StoreEventCallback } from './types.js';

function wrong(method: string, argument: string, demand: string): ArgumentError {
  return new ArgumentError(`${method}: ${argument} must be ${demand}`, { operation: `conveyor.${method}` });
}

/** Demands a string. */
export function checkString(method: string, argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw wrong(method, argument, 'a string');
}

/** Demands a string, or nothing: null counts as absent. */
export function optionalString(method: string, argument: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  checkString(method, argument, value);
  return value;
}

/** Demands strings for the queue's name and the job's id. */
export function checkJobAddress(method: string, queueName: unknown, jobId: unknown): void {
  if (typeof queueName !== 'string') throw wrong(method, 'queueName', 'a string');
  if (typeof jobId !== 'string') throw wrong(method, 'jobId', 'a string');
}

/** Demands a finite number. */
export function checkFinite(method: string, argument: string, value: unknown): asserts value is number {
  if (!Number.isFinite(value)) throw wrong(method, argument, 'a finite number');
}

/** Demands a finite number above 0. */
export function checkPositive(method: string, argument: string, value: unknown): asserts value is number {
  if (!Number.isFinite(value) || (value as number) <= 0) throw wrong(method, argument, 'a positive number');
}

/** Demands a valid `Date`. */
export function checkDate(method: string, argument: string, value: unknown): asserts value is Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw wrong(method, argument, 'a valid Date');
}

/** Demands an object that is not an array. */
export function checkObject(method: string, argument: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(method, argument, 'an object');
}

/** Demands an array. */
export function checkArray(method: string, argument: string, value: unknown): asserts value is unknown[] {
  if (!Array.isArray(value)) throw wrong(method, argument, 'an array');
}

/** Demands an array of strings. */
export function checkStrings(method: string, argument: string, value: unknown): asserts value is string[] {
  checkArray(method, argument, value);
  if (!value.every((item) => typeof item === 'string')) throw wrong(method, argument, 'an array of strings');
}

/** Demands a function. */
export function checkCallback(method: string, value: unknown): asserts value is StoreEventCallback {
  if (typeof value !== 'function') throw wrong(method, 'callback', 'a function');
}

/** Demands one of a few texts. */
export function checkOneOf(method: string, argument: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string)) {
    throw wrong(method, argument, choices.map((choice) => `'${choice}'`).join(' or '));
  }
}

/** Demands a job state, with the host's own error. */
export function checkState(state: unknown, where: '' | ' in clean' = ''): asserts state is JobState {
  if (!isJobState(state)) throw unhandledState(state, where);
}

/** An end of a range: truncated, `Infinity` reaching as far as Redis counts. */
export function rangeEnd(method: string, argument: string, value: unknown): string {
  if (typeof value !== 'number' || Number.isNaN(value)) throw wrong(method, argument, 'a number');
  const whole = Math.trunc(value);
  return String(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, whole)));
}

/** How many results at most: a whole number from 0. */
export function checkLimit(method: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw wrong(method, 'limit', 'a number');
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.trunc(value)));
}

/** Demands what a saved job cannot do without. Payloads are checked as they are encoded. */
export function checkNewJob(method: string, argument: string, job: NewJob): void {
  if (typeof job !== 'object' || job === null) throw wrong(method, argument, 'an object');
  if (typeof job.name !== 'string') throw wrong(method, `${argument}.name`, 'a string');
  if (typeof job.queueName !== 'string') throw wrong(method, `${argument}.queueName`, 'a string');
  if (typeof job.state !== 'string') throw wrong(method, `${argument}.state`, 'a string');
  const { id } = job;
  if (id !== undefined && id !== null && typeof id !== 'string') throw wrong(method, `${argument}.id`, 'a string');
}

/** Demands well-formed options of `fetchNextJob`; null counts as absent. */
export function checkFetchOptions(method: string, options: FetchOptions): void {
  checkObject(method, 'opts', options);
  const { jobName, groupConcurrency: cap, excludeGroups, rateLimit } = options;
  optionalString(method, 'opts.jobName', jobName);
  if (cap !== undefined && cap !== null && (typeof cap !== 'number' || Number.isNaN(cap))) {
    throw wrong(method, 'opts.groupConcurrency', 'a number');
  }
  if (excludeGroups !== undefined && excludeGroups !== null) checkStrings(method, 'opts.excludeGroups', excludeGroups);
  if (rateLimit === undefined || rateLimit === null) return;
  checkObject(method, 'opts.rateLimit', rateLimit);
  if (typeof rateLimit.max !== 'number' || Number.isNaN(rateLimit.max)) {
    throw wrong(method, 'opts.rateLimit.max', 'a number');
  }
  if (rateLimit.max > 0) checkPositive(method, 'opts.rateLimit.duration', rateLimit.duration);
}
