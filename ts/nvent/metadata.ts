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
  const first = text.charCodeAt(0) | 0x20;
  // Most texts are words. Of those only `Infinity` is a number.
  if (first >= 0x61 && first <= 0x7a && first !== 0x69) {
    if (text === 'true') return true;
    return text === 'false' ? false : text;
  }
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  const number = Number(text);
  // Blanks are 0 to JavaScript.
  return Number.isNaN(number) || (number === 0 && text.trim() === '') ? text : number;
}

/**
 * How the fields of a hash become nested metadata: which depends on their names alone, so that one layout serves all
 * entries that have the same. Where one field names a value and another something below it, in whatever order, the value
 * stays and the other keeps the rest of its name: `{ order: 1, 'order.placed': 2 }`.
 */
export class Layout {
  /** Every object below the root, parents first, in the order in which the fields need them. */
  private readonly objects: Property[] = [];
  /** Where each field's value goes; undefined where it would reach for a prototype. */
  private readonly properties: Array<Property | undefined>;

  constructor(names: readonly string[]) {
    const values = new Set(names);
    const known = new Map<string, number>();
    this.properties = names.map((name) => {
      const path = name.split('.');
      if (path.includes(PROTOTYPE)) return undefined;
      let parent = 0;
      const end = path.length - 1;
      for (let i = 0; i < end; i++) {
        const above = path.slice(0, i + 1).join('.');
        if (values.has(above)) return { parent, name: path.slice(i).join('.') };
        const object = known.get(above) ?? this.objects.push({ parent, name: path[i] as string });
        known.set(above, object);
        parent = object;
      }
      return { parent, name: path[end] as string };
    });
  }

  /** Metadata with these values, one for each name. */
  build(values: readonly unknown[]): Record<string, unknown> {
    const { objects, properties } = this;
    const root: Nested = {};
    const made = [root];
    for (let i = 0; i < properties.length; i++) {
      const property = properties[i];
      if (property === undefined) continue;
      while (made.length <= property.parent) {
        const { parent, name } = objects[made.length - 1] as Property;
        made.push(((made[parent] as Nested)[name] = {}));
      }
      (made[property.parent] as Nested)[property.name] = values[i];
    }
    return root;
  }
}

/** A property of one of the objects that are built: 0 is the root. */
interface Property {
  readonly parent: number;
  readonly name: string;
}
