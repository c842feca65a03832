/**
 * `npm run bench`: see README.md, or `npm run bench -- --help`.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { prepareFixtures } from '../scripts/lib/fixtures.mjs';
import { ensureServer } from '../scripts/lib/server.mjs';
import { prepare } from '../scripts/lib/setup.mjs';
import { main, npm, run, tool } from '../scripts/lib/shell.mjs';
import { onChange } from '../scripts/lib/stamp.mjs';
import { machine, PLACEMENTS, stolenTicks } from './lib/cpu.js';
import { node, others } from './lib/runtimes.js';

const HELP = `npm run bench -- [options]

  --quick              a short session (3 minutes) instead of the full one (25 minutes)
  --only <parts>       of bridge, runtimes, conveyor, nvent, pikku, ayepi, go-go-scope (comma-separated; all by default)
  --placement <where>  of ${Object.keys(PLACEMENTS).join(', ')} (comma-separated; see README.md)
  --clients <ids>      only these clients of the bridge table (comma-separated)
  --match <text>       only these rows of ayepi and go-go-scope (a part of their label, as 'increment, 16')
  --out <directory>    for JSON and SVG (benchmark/results/local)`;

const HERE = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'bridge,runtimes,conveyor,nvent,pikku,ayepi,go-go-scope' },
    placement: { type: 'string' },
    clients: { type: 'string' },
    match: { type: 'string', default: '' },
    out: { type: 'string', default: join(HERE, 'results', 'local') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** What is measured must be there, and be the release build. */
async function prepareAll() {
  await prepare('release');
  await ensureServer();
  await onChange(
    {
      stamp: '.cache/benchmark-player',
      inputs: ['__test__/support', 'benchmark/tsconfig.json'],
      outputs: ['.cache/benchmark/__test__/support/original-conveyor.js'],
    },
    () => run(tool('tsc'), ['-p', join(HERE, 'tsconfig.json')]),
  );
  await onChange(
    {
      stamp: 'benchmark/node_modules/.installed',
      inputs: ['benchmark/package-lock.json'],
      outputs: ['benchmark/node_modules/@valkey/valkey-glide'],
    },
    () => npm(['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: HERE }),
  );
}

/** One line that is rewritten on a terminal, and plain lines elsewhere. */
function progress(message) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K▸ ${message}`);
  else process.stderr.write(`▸ ${message}\n`);
}

function print(line) {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K');
  console.log(line);
}

function save(name, session, charts) {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, `${name}.json`), `${JSON.stringify(session)}\n`);
  for (const [chart, svg] of Object.entries(charts)) writeFileSync(join(options.out, `${name}-${chart}.svg`), svg);
}

async function bench() {
  const size = options.quick ? 'quick' : 'full';
  const parts = options.only.split(',');
  const clients = options.clients?.split(',');
  await prepareAll();
  const about = machine();
  const stolenBefore = stolenTicks();
  print(`${about.cpu}, ${about.cores} cores, Linux ${about.kernel}, Node ${about.node}, load ${about.loadAtStart}`);

  if (parts.includes('bridge') || parts.includes('runtimes')) {
    const { runBridge, bridgeCharts } = await import('./bridge/run.js');
    const measure = async (runtime, placement) => {
      const session = await runBridge({ size, placement, runtime, clients, print, progress });
      save(`bridge-${runtime.name}-${placement}`, { ...about, ...session }, bridgeCharts(session));
    };
    if (parts.includes('bridge')) {
      const placements = options.placement?.split(',') ?? (size === 'quick' ? ['one'] : ['one', 'none']);
      for (const placement of placements) await measure(node, placement);
    }
    if (parts.includes('runtimes')) {
      for (const runtime of await others()) await measure(runtime, options.placement?.split(',')[0] ?? 'one');
    }
  }
  if (parts.includes('conveyor')) {
    const { runConveyor, conveyorCharts } = await import('./conveyor/run.js');
    for (const placement of options.placement?.split(',') ?? ['one']) {
      const session = await runConveyor({ size, placement, print, progress });
      save(`conveyor-${placement}`, { ...about, ...session }, conveyorCharts(session));
    }
  }
  if (parts.includes('nvent')) {
    await prepareFixtures(['nvent-original']);
    const { runNvent, nventCharts } = await import('./nvent/run.js');
    for (const placement of options.placement?.split(',') ?? ['one']) {
      const session = await runNvent({ size, placement, print, progress });
      save(`nvent-${placement}`, { ...about, ...session }, nventCharts(session));
    }
  }
  if (parts.includes('pikku')) {
    await prepareFixtures(['pikku-0.12.84']);
    const { runPikku, pikkuCharts } = await import('./pikku/run.js');
    for (const placement of options.placement?.split(',') ?? ['one']) {
      const session = await runPikku({ size, placement, print, progress });
      save(`pikku-${placement}`, { ...about, ...session }, pikkuCharts(session));
    }
  }

  for (const ecosystem of ['ayepi', 'go-go-scope'].filter((name) => parts.includes(name))) {
    await prepareFixtures(['ayepi']);
    const { runAdapters, adapterCharts } = await import('./adapters/run.js');
    for (const placement of options.placement?.split(',') ?? ['one']) {
      const session = await runAdapters({ ecosystem, size, placement, match: options.match, print, progress });
      save(`${ecosystem}-${placement}`, { ...about, ...session }, adapterCharts(ecosystem, session));
    }
  }

  const stolen = stolenTicks() - stolenBefore;
  if (stolen > 0)
    print(`\nThe hypervisor took ${stolen * 10} ms of CPU from this machine meanwhile: read the intervals with care.`);
  print(`\nRaw figures and charts: ${options.out}`);
}

if (options.help) console.log(HELP);
else main(bench);
