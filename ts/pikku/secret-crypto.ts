/**
 * Envelopes: a value is sealed under a data key of its own, and that under a key encryption key (KEK) which comes from a
 * passphrase. The forms are those of `@pikku/core/crypto-utils`. WebCrypto does the work off the JavaScript thread.
 */

import { Buffer } from 'node:buffer';
import type { webcrypto } from 'node:crypto';

/** A key of WebCrypto. */
export type Key = webcrypto.CryptoKey;

const { subtle } = globalThis.crypto;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const ROUNDS = 600_000;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const AES = { name: 'AES-GCM', length: 256 } as const;

/** A value that was sealed, and the data key under which it lies, sealed too. */
export interface Envelope {
  ciphertext: string;
  wrappedDEK: string;
}

/** A salt for {@link saltedKEK}. */
export function newSalt(): string {
  return base64url(random(SALT_BYTES));
}

/** The KEK of a passphrase since 0.12.14: PBKDF2, about a tenth of a second of work. */
export async function saltedKEK(passphrase: string, salt: string): Promise<Key> {
  const material = await subtle.importKey('raw', encoder.encode(passphrase), 'PBKDF2', false, ['deriveKey']);
  const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt: bytes(salt), iterations: ROUNDS };
  return subtle.deriveKey(derivation, material, AES, false, ['encrypt', 'decrypt']);
}

/** The KEK of a passphrase up to 0.12.13: its hash. */
export async function hashedKEK(passphrase: string): Promise<Key> {
  return aesKey(new Uint8Array(await subtle.digest('SHA-256', encoder.encode(passphrase))));
}

/** Seals JSON text under a new data key. */
export async function sealEnvelope(kek: Key, json: string): Promise<Envelope> {
  const key = random(KEY_BYTES);
  const ciphertext = await seal(await aesKey(key), json);
  return { ciphertext, wrappedDEK: await wrapDEK(kek, base64url(key)) };
}

/** Seals the text of a data key. */
export function wrapDEK(kek: Key, dek: string): Promise<string> {
  return seal(kek, JSON.stringify(dek));
}

/**
 * The text of a data key.
 *
 * @throws DOMException (rejects) `OperationError`: it is another KEK's
 */
export async function unwrapDEK(kek: Key, wrappedDEK: string): Promise<string> {
  return (await open(kek, wrappedDEK)) as string;
}

/** The value that lies under a data key. */
export async function openValue(dek: string, ciphertext: string): Promise<unknown> {
  return open(await aesKey(bytes(dek)), ciphertext);
}

async function seal(key: Key, json: string): Promise<string> {
  const iv = random(IV_BYTES);
  const sealed = await subtle.encrypt({ name: AES.name, iv }, key, encoder.encode(json));
  return base64url(Buffer.concat([iv, new Uint8Array(sealed)]));
}

async function open(key: Key, text: string): Promise<unknown> {
  const sealed = bytes(text);
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new Error('Invalid encrypted payload');
  const iv = sealed.subarray(0, IV_BYTES);
  const opened = await subtle.decrypt({ name: AES.name, iv }, key, sealed.subarray(IV_BYTES));
  return JSON.parse(decoder.decode(opened));
}

function aesKey(raw: Uint8Array<ArrayBuffer>): Promise<Key> {
  return subtle.importKey('raw', raw, AES.name, false, ['encrypt', 'decrypt']);
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

function base64url(raw: Uint8Array): string {
  return Buffer.from(raw).toString('base64url');
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}
