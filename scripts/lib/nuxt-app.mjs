/** The Nuxt application of `__test__/fixtures/nuxt-app`: installed as a user would, built, and run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from './consumer.mjs';
import { CommandFailed, npmInstall, root, run, say } from './shell.mjs';
import { onChange } from './stamp.mjs';

const fixture = join('__test__', 'fixtures', 'nuxt-app');

/** A project of its own: a build writes beside the sources, and the check changes one of them. */
const project = join('.cache', 'nuxt-app');

/** Where the project lies. */
export const folder = join(root, project);

/** Longest start of a server, in milliseconds. */
const PATIENCE = 300_000;

const environment = { CI: '1', NUXT_TELEMETRY_DISABLED: '1' };
const nuxt = join('node_modules', 'nuxt', 'bin', 'nuxt.mjs');

const install = (...what) =>
  // The published original names a peer by a range that npm cannot read.
  npmInstall(['--no-save', '--legacy-peer-deps', ...what], { cwd: folder, capture: true });

/** Copies the application, installs what its lock file names, and our package from its tarball. */
export async function prepareApp() {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (name !== 'node_modules') rmSync(join(folder, name), { recursive: true });
  }
  cpSync(join(root, fixture), folder, {
    recursive: true,
    filter: (source) => !/[/\\](node_modules|\.nuxt|\.output)$/.test(source),
  });
  const inputs = ['package.json', 'package-lock.json'].map((file) => join(fixture, file));
  await onChange({ stamp: join(project, 'node_modules', '.ferrodis-installed'), inputs, outputs: [] }, async () => {
    say('installing Nuxt and the published store');
    await install();
  });
  const tarball = await pack(folder);
  rmSync(join(folder, 'node_modules', 'ferrodis'), { recursive: true, force: true });
  await install(tarball);
}

/**
 * Builds for production, into `.output`.
 *
 * @param {Record<string, string>} env
 * @returns {Promise<string>} what the build printed
 */
export const buildApp = (env) =>
  run(process.execPath, [nuxt, 'build'], { cwd: folder, env: { ...environment, ...env }, capture: true });

/** Starts the development server on a port. */
export const developApp = (port, env) =>
  App.start([nuxt, 'dev', '--host', '127.0.0.1', '--port', String(port)], folder, port, env);

/** Starts what a build left in `where`, on this Node unless another program is given. */
export const serveApp = (where, port, env, { program, args } = { program: process.execPath, args: [] }) =>
  App.start(
    [...args, join('server', 'index.mjs')],
    where,
    port,
    { ...env, HOST: '127.0.0.1', PORT: String(port) },
    program,
  );

/** A server that answers. */
class App {
  /** Everything it printed. */
  output = '';
  #child;
  #url;

  static async start(args, cwd, port, env, program = process.execPath) {
    const app = new App();
    // A group of its own: the development server starts further processes.
    app.#child = spawn(program, args, {
      cwd,
      detached: true,
      env: { ...process.env, ...environment, ...env },
    });
    for (const stream of [app.#child.stdout, app.#child.stderr]) stream.on('data', (chunk) => (app.output += chunk));
    app.#url = `http://127.0.0.1:${port}`;
    try {
      await until(
        'the server answers',
        () => app.about().catch(() => undefined),
        () => app.#child.exitCode !== null,
      );
    } catch (error) {
      app.kill();
      throw new CommandFailed('the Nuxt application', error.message, app.output);
    }
    return app;
  }

  /** Options it runs with, and its generation. */
  about() {
    return this.#fetch('/api/about');
  }

  /** What its own code has from other entries of the package. */
  other() {
    return this.#fetch('/api/other');
  }

  /** Calls a method of the store; resolves with its `result` as text and its `value`. */
  call(method, ...args) {
    return this.#fetch('/api/call', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method, args }),
    });
  }

  async #fetch(path, init) {
    const response = await fetch(this.#url + path, { ...init, signal: AbortSignal.timeout(60_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Asks it to end, as a process manager would; resolves with how it ended within a minute. */
  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code, signal] = await Promise.race([ended, sleep(60_000, ['still running'], { ref: false })]);
    this.kill();
    return code ?? signal;
  }

  /** Ends it and whatever it started. */
  kill() {
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
  }
}

/** Resolves with the first truthy result of `probe`. */
export async function until(what, probe, hopeless = () => false) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (hopeless() || Date.now() > deadline) throw new Error(`did not come to where ${what}`);
    await sleep(200);
  }
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}
