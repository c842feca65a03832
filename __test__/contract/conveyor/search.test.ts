import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { newJob } from '../../support/job.js';

const on = conveyor();
const ids = (jobs: Array<{ id?: string }>): Array<string | undefined> => jobs.map(({ id }) => id);

describe('searchByPayload', () => {
  it('finds a text anywhere in the payload, in either case', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', data: { to: 'Anna@Example.com' } });
    await on.add(queue, { id: 'b', data: { to: 'bob' } });
    expect(ids(await on.store.searchByPayload(queue, 'anna@ex'))).toEqual(['a']);
  });

  it('takes pattern characters as they are', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', data: '100%_[x]*' });
    await on.add(queue, { id: 'b', data: '100 x' });
    expect(ids(await on.store.searchByPayload(queue, '%_[x]*'))).toEqual(['a']);
  });

  it('stops at the limit', async () => {
    const queue = on.queue();
    await on.store.saveBulk(
      queue,
      Array.from({ length: 60 }, () => newJob(queue, { data: 'needle' })),
    );
    expect(await on.store.searchByPayload(queue, 'needle')).toHaveLength(50);
    expect(await on.store.searchByPayload(queue, 'needle', 3)).toHaveLength(3);
  });

  it('looks through every state', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', data: 'needle', state: 'failed', failedAt: new Date() });
    expect(ids(await on.store.searchByPayload(queue, 'needle'))).toEqual(['a']);
  });
});

describe('searchByName', () => {
  it('finds part of a name in either case, newest first', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', name: 'send-Mail', createdAt: new Date(1) });
    await on.add(queue, { id: 'b', name: 'mailing', createdAt: new Date(2) });
    await on.add(queue, { id: 'c', name: 'scan', createdAt: new Date(3) });
    expect(ids(await on.store.searchByName('MAIL', queue))).toEqual(['b', 'a']);
    expect(ids(await on.store.searchByName('mail', queue, 1))).toEqual(['b']);
  });

  it('looks through all queues when none is named', async () => {
    const [one, two] = [on.queue(), on.queue()];
    const name = `unique-${one}`;
    await on.add(one, { id: 'a', name, createdAt: new Date(1) });
    await on.add(two, { id: 'b', name, createdAt: new Date(2) });
    expect(ids(await on.store.searchByName(name))).toEqual(['b', 'a']);
    expect(ids(await on.store.searchByName(name, one))).toEqual(['a']);
  });
});

describe('listFlowParents', () => {
  it('lists jobs that have children, newest first', async () => {
    const store = await on.open({ keyPrefix: 'parents' });
    const queue = on.queue();
    const save = (fields: object) => store.saveJob(queue, newJob(queue, fields));
    await save({ id: 'a', childrenIds: ['x'], createdAt: new Date(1) });
    await save({ id: 'b', childrenIds: ['y'], createdAt: new Date(2), state: 'failed' });
    await save({ id: 'c', createdAt: new Date(3) });
    expect(ids(await store.listFlowParents())).toEqual(['b', 'a']);
    expect(ids(await store.listFlowParents('failed'))).toEqual(['b']);
    expect(ids(await store.listFlowParents(undefined, 1))).toEqual(['b']);
  });
});

describe('searchJobs', () => {
  it('answers all jobs of a queue newest first, with the total', async () => {
    const queue = on.queue();
    for (const ms of [1, 2, 3]) await on.add(queue, { id: `j${ms}`, createdAt: new Date(ms) });
    const { jobs, total } = await on.store.searchJobs({ queueName: queue }, 0, 2);
    expect(ids(jobs)).toEqual(['j3', 'j2']);
    expect(total).toBe(3);
    expect(ids((await on.store.searchJobs({ queueName: queue }, 2, 9)).jobs)).toEqual(['j1']);
  });

  it('needs every condition to hold', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', name: 'Mail', createdAt: new Date(10) });
    await on.add(queue, { id: 'b', name: 'mail', createdAt: new Date(20), state: 'failed' });
    await on.add(queue, { id: 'c', name: 'mail', createdAt: new Date(30) });
    const { jobs, total } = await on.store.searchJobs({
      queueName: queue,
      name: 'mail',
      states: ['waiting'],
      createdAfter: new Date(10),
      createdBefore: new Date(30),
    });
    expect(ids(jobs)).toEqual(['c', 'a']);
    expect(total).toBe(2);
  });

  it('includes both ends of the time span and takes no states for all', async () => {
    const queue = on.queue();
    for (const ms of [1, 2, 3]) await on.add(queue, { id: `j${ms}`, createdAt: new Date(ms) });
    const { jobs } = await on.store.searchJobs({
      queueName: queue,
      states: [],
      createdAfter: new Date(2),
      createdBefore: new Date(2),
    });
    expect(ids(jobs)).toEqual(['j2']);
  });

  it('looks through all queues when none is named', async () => {
    const [one, two] = [on.queue(), on.queue()];
    const name = `everywhere-${one}`;
    for (const queue of [one, two]) await on.add(queue, { name });
    expect((await on.store.searchJobs({ name })).total).toBe(2);
  });

  it('gives fifty by default', async () => {
    const queue = on.queue();
    await on.store.saveBulk(
      queue,
      Array.from({ length: 1100 }, (_, i) => newJob(queue, { createdAt: new Date(i) })),
    );
    const { jobs, total } = await on.store.searchJobs({ queueName: queue });
    expect(jobs).toHaveLength(50);
    expect(jobs[0].createdAt).toEqual(new Date(1099));
    expect(total).toBe(1100);
  });
});
