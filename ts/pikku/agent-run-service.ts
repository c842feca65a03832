/** What agents have talked about: threads, their messages and runs. Nothing here writes them. */

/** @ts-ignore: an optional peer, and a path that not every version has: messages are `any` then. */
import type { AgentMessage } from '@pikku/core/agent';
import { deleteKeys, scanIds } from './ioredis.js';
import { Link, type RedisConnection } from './link.js';
import { ownership } from './optional-core.js';
import { readHashes, readInt, readList } from './replies.js';

export type { AgentMessage };

/** A conversation. */
export interface AgentThread {
  id: string;
  /** Whom it belongs to. */
  resourceId: string;
  title?: string;
  metadata?: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

/** One run of an agent in a thread. */
export interface AgentRunRow {
  runId: string;
  agentName: string;
  threadId: string;
  resourceId: string;
  status: string;
  errorMessage?: string;
  suspendReason?: string;
  missingRpcs?: string[];
  usageInputTokens: number;
  usageOutputTokens: number;
  usageModel: string;
  createdAt: Date;
  updatedAt: Date;
}

/** Which threads to list. */
export interface ThreadFilter {
  agentName?: string;
  /** Threads of exactly this resource. */
  resourceId?: string;
  /** Threads of these principals; none at all when empty. */
  owners?: string[];
  /** Default 50. */
  limit?: number;
  /** Default 0. */
  offset?: number;
}

/** The service as pikku knows it. */
export interface AgentRunService {
  listThreads(options?: ThreadFilter): Promise<AgentThread[]>;
  getThread(threadId: string): Promise<AgentThread | null>;
  getThreadMessages(threadId: string): Promise<AgentMessage[]>;
  getThreadRuns(threadId: string): Promise<AgentRunRow[]>;
  deleteThread(threadId: string): Promise<boolean>;
  getDistinctAgentNames(): Promise<string[]>;
}

type Hash = Record<string, string>;

/** The `AgentRunService` of pikku on Redis. Stands for that of `@pikku/redis` 0.12.18. */
export class RedisAgentRunService implements AgentRunService {
  readonly #link: Link;
  readonly #keyPrefix: string;

  /**
   * @param connection a client, or where to connect
   * @param keyPrefix default `ai`
   */
  constructor(connection: RedisConnection, keyPrefix: string = 'ai') {
    this.#link = new Link('RedisAgentRunService', connection, keyPrefix, { manyKeys: true });
    this.#keyPrefix = keyPrefix;
  }

  /** Threads, the last used first. They are filtered, then cut into pages. */
  async listThreads(options: ThreadFilter = {}): Promise<AgentThread[]> {
    const { agentName, resourceId, owners, limit = 50, offset = 0 } = options;
    if (owners !== undefined && owners.length === 0) return [];
    const owns = await ownership();
    const found = await this.#link.either(
      'listThreads',
      () => this.#link.call('findThreads', readList, agentName || undefined),
      () => this.#findDriven(agentName),
    );
    const ids: string[] = [];
    for (let at = 0; at < found.length; at += 2) {
      const resource = found[at + 1] as string;
      if (resourceId && resource !== resourceId) continue;
      if (owners !== undefined && !owners.some((owner) => owns(resource, owner))) continue;
      ids.push(found[at] as string);
    }
    const page = ids.slice(offset, offset + limit);
    if (page.length === 0) return [];
    const hashes = await this.#link.either(
      'readThreads',
      () => this.#link.callWith('readThreads', readHashes, [], page),
      () => Promise.all(page.map((id) => this.#link.client.hgetall(this.#key('thread', id)))),
    );
    return hashes.filter((hash) => hash.id).map(threadOf);
  }

  /** A thread, or null. */
  async getThread(threadId: string): Promise<AgentThread | null> {
    const [hash] = await this.#link.either(
      'getThread',
      () => this.#link.call('readThreads', readHashes, threadId),
      async () => [await this.#link.client.hgetall(this.#key('thread', threadId))],
    );
    return hash?.id ? threadOf(hash) : null;
  }

  /**
   * The messages of a thread, the oldest first.
   *
   * @throws SyntaxError (rejects) one is not JSON
   */
  async getThreadMessages(threadId: string): Promise<AgentMessage[]> {
    const messages = await this.#link.either(
      'getThreadMessages',
      () => this.#link.call('getThreadMessages', readList, threadId),
      () => this.#link.client.zrange(this.#key('messages', threadId), 0, -1),
    );
    return messages.map((json) => {
      const message = JSON.parse(json) as AgentMessage;
      return Object.assign(message, { createdAt: new Date(message.createdAt) });
    });
  }

  /** The runs of a thread, the latest first. */
  async getThreadRuns(threadId: string): Promise<AgentRunRow[]> {
    const hashes = await this.#link.either(
      'getThreadRuns',
      () => this.#link.call('getThreadRuns', readHashes, threadId),
      async () => {
        const { client } = this.#link;
        const found: Hash[] = [];
        for (const id of await client.zrevrange(this.#key('thread-runs', threadId), 0, -1)) {
          found.push(await client.hgetall(this.#key('run', id)));
        }
        return found;
      },
    );
    return hashes.filter((hash) => hash.runId).map(runOf);
  }

  /** Deletes a thread with its messages and runs. False when there is none. */
  async deleteThread(threadId: string): Promise<boolean> {
    const deleted = await this.#link.either(
      'deleteThread',
      () => this.#link.call('deleteThread', readInt, threadId),
      () => this.#deleteDriven(threadId),
    );
    return deleted === 1;
  }

  /** The names of all agents that have threads, sorted. Walks through the database. */
  async getDistinctAgentNames(): Promise<string[]> {
    const names = await this.#link.either(
      'getDistinctAgentNames',
      () => this.#link.call('getAgentNames', readList),
      () => scanIds(this.#link.client, this.#key('agent-threads', '')),
    );
    return names.sort();
  }

  /** Closes the service's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  async #findDriven(agentName: string | undefined): Promise<string[]> {
    const { client } = this.#link;
    const index = `${this.#keyPrefix}:threads`;
    let ids: string[];
    if (agentName) {
      const scored: Array<{ id: string; score: number }> = [];
      for (const id of await client.smembers(this.#key('agent-threads', agentName))) {
        const score = await client.zscore(index, id);
        if (score) scored.push({ id, score: Number(score) });
      }
      ids = scored.sort((a, b) => b.score - a.score).map(({ id }) => id);
    } else {
      ids = await client.zrevrange(index, 0, -1);
    }
    const found: string[] = [];
    for (const id of ids) {
      const hash = await client.hgetall(this.#key('thread', id));
      if (hash.id) found.push(id, hash.resourceId ?? '');
    }
    return found;
  }

  async #deleteDriven(threadId: string): Promise<number> {
    const { client } = this.#link;
    const thread = this.#key('thread', threadId);
    const threadRuns = this.#key('thread-runs', threadId);
    if (!(await client.exists(thread))) return 0;
    const doomed = [thread, this.#key('messages', threadId), threadRuns];
    for (const id of await client.zrange(threadRuns, 0, -1)) {
      const run = this.#key('run', id);
      const agent = await client.hget(run, 'agentName');
      doomed.push(run);
      if (agent) await client.srem(this.#key('agent-threads', agent), threadId);
    }
    await client.zrem(`${this.#keyPrefix}:threads`, threadId);
    await deleteKeys(client, doomed);
    return 1;
  }

  #key(family: string, id: string): string {
    return `${this.#keyPrefix}:${family}:${id}`;
  }
}

function threadOf(hash: Hash): AgentThread {
  return {
    id: hash.id,
    resourceId: hash.resourceId,
    title: hash.title || undefined,
    metadata: hash.metadata ? JSON.parse(hash.metadata) : undefined,
    createdAt: new Date(Number(hash.createdAt)),
    updatedAt: new Date(Number(hash.updatedAt)),
  } as AgentThread;
}

function runOf(hash: Hash): AgentRunRow {
  return {
    runId: hash.runId,
    agentName: hash.agentName,
    threadId: hash.threadId,
    resourceId: hash.resourceId,
    status: hash.status,
    suspendReason: hash.suspendReason || undefined,
    missingRpcs: hash.missingRpcs ? JSON.parse(hash.missingRpcs) : undefined,
    usageInputTokens: Number(hash.usageInputTokens || 0),
    usageOutputTokens: Number(hash.usageOutputTokens || 0),
    usageModel: hash.usageModel,
    createdAt: new Date(Number(hash.createdAt)),
    updatedAt: new Date(Number(hash.updatedAt)),
  } as AgentRunRow;
}
