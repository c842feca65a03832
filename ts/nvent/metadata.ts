/**
 * Metadata of an index entry as fields of a hash: nested objects become dotted names, `stats.total`, and come back
 * nested. Names may come from the network, so no name ever reaches a prototype.
 */
import { types } from 'node:util';

/** A plain object under construction. */
type Nested = Record<string, unknown>;

/** What is to be written. */
export interface Fields {
  /** Names and values in turn. */
  readonly sets: string[];
  /** Paths whose value is null: deleted by an update. */
  readonly deletes: string[];
}

/** The name by which assignment would change a prototype: as in the original, what it names is not stored. */
const PROTOTYPE = '__proto__';

/**
 * Metadata as fields. Dotted names are nesting; `null` is no value; an empty object leaves no trace.
 *
 * @throws TypeError for a dotted name below a primitive value or a BigInt in an array, RangeError for a cycle
 */
export function encodeMetadata(metadata: unknown): Fields {
  const values = new Map<string, unknown>();
  const fields: Fields = { sets: [], deletes: [] };
  flatten(expand(metadata as Nested), '', values, fields.deletes);
  for (const [name, value] of values) {
    const text = fieldText(value);
    if (text !== undefined) fields.sets.push(name, text);
  }
  return fields;
}

/** The object with its dotted names resolved: a later plain name replaces what a dotted one has built. */
function expand(source: Nested): Nested {
  const result: Nested = {};
  for (const [name, value] of Object.entries(source)) {
    if (name === 'version') result[name] = copyOf(value);
    else if (name.includes('.')) place(result, name.split('.'), value);
    else if (name !== PROTOTYPE) result[name] = expandValue(value);
  }
  return result;
}

function expandValue(value: unknown): unknown {
  return isNested(value) ? expand(value) : value;
}

/** The same names and values in objects of our own, which dotted names may write into. */
function copyOf(value: unknown): unknown {
  if (!isNested(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)]));
}

/** An object that is taken apart, rather than stored as it is. */
function isNested(value: unknown): value is Nested {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isDate(value);
}

/** Puts a value below an object. */
function place(root: Nested, path: string[], value: unknown): void {
  const last = path.pop() as string;
  const at = path.reduce(below, root);
  const expanded = expandValue(value);
  if (last !== PROTOTYPE) at[last] = expanded;
}

/**
 * What is under a name, made where there is nothing or something falsy. Below what is stored as text, or reaches for a
 * prototype, everything is lost.
 */
function below(at: Nested, name: string): Nested {
  const next = Object.hasOwn(at, name) ? at[name] : undefined;
  if (name === PROTOTYPE || typeof next === 'function' || Array.isArray(next) || types.isDate(next)) return {};
  // Assigning to a primitive throws the TypeError that says so.
  return next ? (next as Nested) : (at[name] = {});
}

/** Collects the values by path: of two with one path, which empty names make possible, the later one counts. */
function flatten(source: Nested, path: string, values: Map<string, unknown>, deletes: string[]): void {
  for (const [name, value] of Object.entries(source)) {
    const field = path === '' ? name : `${path}.${name}`;
    if (value === null) deletes.push(field);
    else if (isNested(value)) flatten(value, field, values, deletes);
    else values.set(field, value);
  }
}

function fieldText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return JSON.stringify(value.filter((item) => item !== null && item !== undefined));
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return String(value);
}

/** The value that a field's text stands for. Numbers are all that JavaScript reads as one: `0x10`, `007`, ` 5 `. */
export function decodeField(text: string): unknown {
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if (text === 'true') return true;
  if (text === 'false') return false;
  const number = Number(text);
  // Blanks are 0 to JavaScript.
  return Number.isNaN(number) || (number === 0 && text.trim() === '') ? text : number;
}

/**
 * Builds metadata from the fields of a hash, in any order. Where one field names a value and another something below
 * it, the value stays and the other keeps the rest of its name: `{ order: 1, 'order.placed': 2 }`.
 */
export class MetadataBuilder {
  private readonly root: Nested = {};
  private readonly dotted: Array<[path: readonly string[], value: unknown]> = [];
  private deep = false;

  /** Adds a field. */
  add(field: FieldName, text: string): void {
    const { path, hostile } = field;
    if (hostile) return;
    if (path.length === 1) this.root[path[0] as string] = decodeField(text);
    else this.dotted.push([path, decodeField(text)]);
    if (path.length > 2) this.deep = true;
  }

  /** The metadata. */
  build(): Record<string, unknown> {
    const { dotted } = this;
    // Values before what is below them, whatever the order of the hash; those of the root are there.
    if (this.deep) dotted.sort(([a], [b]) => a.length - b.length);
    for (const [path, value] of dotted) this.attach(path, value);
    return this.root;
  }

  private attach(path: readonly string[], value: unknown): void {
    let at = this.root;
    const end = path.length - 1;
    for (let i = 0; i < end; i++) {
      const name = path[i] as string;
      if (!Object.hasOwn(at, name)) {
        at = at[name] = {};
        continue;
      }
      const next = at[name];
      if (typeof next !== 'object' || Array.isArray(next)) {
        at[path.slice(i).join('.')] = value;
        return;
      }
      at = next as Nested;
    }
    at[path[end] as string] = value;
  }
}

/** The name of a field, taken apart. */
export interface FieldName {
  readonly text: string;
  readonly path: readonly string[];
  /** Whether assigning to it would reach for a prototype. */
  readonly hostile: boolean;
}

/** Takes the name of a field apart. */
export function fieldName(text: string): FieldName {
  const path = text.split('.');
  return { text, path, hostile: path.includes(PROTOTYPE) };
}
