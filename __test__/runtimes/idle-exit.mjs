/** Runs on every runtime: a process whose stores have nothing to do ends, though nobody disconnected them. */
import assert from 'node:assert/strict';
import { RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const store = new RedisStore({ url: redis.url });
await store.connect();
assert.equal(await store.getJob('idle', 'nothing'), null);
