/** Parts of `@pikku/core` that not every version has, loaded with their first use. */

/** @ts-ignore: an optional peer, and a type that not every version has: it is `any` then. */
import type { SecretValue } from '@pikku/core';
import { load } from './host.js';

export type { SecretValue };

/** What core makes of a secret. */
export interface SecretValues {
  createSecretValue<T>(value: T): SecretValue<T>;
  isSecretValue(value: unknown): value is SecretValue<unknown>;
}

/** Makes the headers of a call to another deployment. */
export type BuildRemoteHeaders = (
  jwt: unknown,
  secrets: unknown,
  funcName: string,
  session?: unknown,
  traceId?: string,
) => Promise<Record<string, string>>;

type Module = Readonly<Record<string, unknown>>;

const loaded = new Map<string, Promise<Module | undefined>>();

function loadOnce(name: string): Promise<Module | undefined> {
  let module = loaded.get(name);
  if (module === undefined) {
    module = load<Module>(name);
    loaded.set(name, module);
  }
  return module;
}

/** The first of the modules that has a function of this name. */
async function find<T>(name: string, ...paths: string[]): Promise<T | undefined> {
  for (const path of paths) {
    const found = (await loadOnce(path))?.[name];
    if (typeof found === 'function') return found as T;
  }
  return undefined;
}

/** What wraps secrets: since core 0.12.76. */
export async function secretValues(): Promise<SecretValues | undefined> {
  const paths = ['@pikku/core/classification', '@pikku/core'];
  const createSecretValue = await find<SecretValues['createSecretValue']>('createSecretValue', ...paths);
  const isSecretValue = await find<SecretValues['isSecretValue']>('isSecretValue', ...paths);
  if (createSecretValue === undefined || isSecretValue === undefined) return undefined;
  return { createSecretValue, isSecretValue };
}

/** Whether this core derives keys from passphrases slowly, with a salt. Those before it knew a plain hash only. */
export async function hasSaltedKeys(): Promise<boolean> {
  const utils = await loadOnce('@pikku/core/crypto-utils');
  return utils === undefined || 'deriveKEK' in utils;
}

/** Whether secret services of this core have `getSecretJSON`: those that say which secret was not found. */
export async function hasJsonSecrets(): Promise<boolean> {
  const local = await find<{ prototype: object }>('LocalSecretService', '@pikku/core/services');
  return local !== undefined && 'getSecretJSON' in local.prototype;
}

/** What signs calls to other deployments: since core 0.12.37. */
export async function remoteHeaders(): Promise<BuildRemoteHeaders | undefined> {
  return find<BuildRemoteHeaders>('buildRemoteHeaders', '@pikku/core/remote');
}

/** The ids of all functions of the application. */
export async function allFunctionNames(): Promise<string[]> {
  const names = await find<() => string[]>('getAllFunctionNames', '@pikku/core/function');
  return names?.() ?? [];
}

/** Whether a principal owns a resource. Core's own rule where it has one. */
export async function ownership(): Promise<(resourceId: string, principal: string) => boolean> {
  const rule = await find<(resourceId: string, principal: string) => boolean>(
    'isOwnedByPrincipal',
    '@pikku/core/agent',
  );
  return rule ?? ((resourceId, principal) => resourceId === principal || resourceId.startsWith(`${principal}:`));
}
