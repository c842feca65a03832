/**
 * Whether a run really did what it was measured for; a figure without its delivery check is not reported.
 * Every acknowledged job is in exactly one index, and no job was executed twice.
 */

import { filledId, tagOf } from './fill.js';

function must(condition, message) {
  if (!condition) throw new Error(`delivery check failed: ${message}`);
}

function mustBeDistinct(ids) {
  must(new Set(ids).size === ids.length, 'an id was given twice');
}

async function counts(admin, queue) {
  const tag = tagOf(queue);
  const [waiting, active, completed, failed] = await Promise.all([
    admin.lLen(`${tag}:waiting`),
    admin.sCard(`${tag}:active`),
    admin.zCard(`${tag}:completed`),
    admin.zCard(`${tag}:failed`),
  ]);
  return { waiting, active, completed, failed };
}

const hashes = (queue, ids) => ids.map((id) => `${tagOf(queue)}:job:${id}`);

const field = (admin, queue, ids, name) => Promise.all(hashes(queue, ids).map((key) => admin.hGet(key, name)));

/** Everything saved waits, once, and has its hash. */
export async function saved(admin, queue, { ids }) {
  mustBeDistinct(ids);
  const waiting = await admin.lRange(`${tagOf(queue)}:waiting`, 0, -1);
  must(waiting.length === ids.length, `${waiting.length} of ${ids.length} jobs wait`);
  const known = new Set(ids);
  must(
    waiting.every((id) => known.has(id)),
    'an unknown job waits',
  );
  must((await admin.exists(hashes(queue, ids))) === ids.length, 'a job has no hash');
}

/** Everything fetched was fetched once and is completed; of the `total` jobs ever added, none is active or lost. */
export async function executed(admin, queue, { ids }, total) {
  mustBeDistinct(ids);
  const scores = await admin.zmScore(`${tagOf(queue)}:completed`, ids);
  must(
    scores.every((score) => score !== null),
    'a fetched job is not among the completed',
  );
  const states = await field(admin, queue, ids, 'state');
  must(
    states.every((state) => state === 'completed'),
    'a fetched job has another state',
  );
  const found = await counts(admin, queue);
  must(found.active === 0, `${found.active} jobs are still active`);
  must(found.waiting + found.completed === total, `${found.waiting + found.completed} of ${total} jobs are left`);
}

/** Every job holds the last progress that was written. */
export async function updated(admin, queue, { progress }) {
  const ids = Object.keys(progress);
  const stored = await field(admin, queue, ids, 'progress');
  ids.forEach((id, i) => must(stored[i] === String(progress[id]), `job ${id} lost an update`));
}

/** Every queue was listed with all its jobs. */
export function listed({ queues }, names, jobsEach) {
  const found = new Map(queues.map((info) => [info.name, info]));
  for (const name of names) {
    must(found.get(name)?.counts.waiting === jobsEach, `queue ${name} was not counted right`);
    must(found.get(name).latestActivity !== null, `queue ${name} shows no activity`);
  }
}

/** The queue is empty, and the jobs' hashes are gone. */
export async function emptied(admin, queue, count) {
  const found = await counts(admin, queue);
  must(found.waiting + found.active + found.completed + found.failed === 0, `jobs are left: ${JSON.stringify(found)}`);
  must((await admin.exists(hashes(queue, sample(count)))) === 0, 'a removed job still has a hash');
}

/** Every failed job waits again. */
export async function retried(admin, queue, count) {
  const found = await counts(admin, queue);
  must(found.waiting === count && found.failed === 0, `not all wait again: ${JSON.stringify(found)}`);
  const states = await field(admin, queue, sample(count), 'state');
  must(
    states.every((state) => state === 'waiting'),
    'a retried job has another state',
  );
}

/** Ids of about 1000 filled jobs, spread over the whole range. */
function sample(count) {
  const step = Math.max(1, Math.floor(count / 1000));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => filledId(i * step));
}
