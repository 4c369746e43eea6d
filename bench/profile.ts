/**
 * Where the time of the whole path goes: samples of the passes alone, after one warm-up pass, by function and by line
 * range of the source. `node bench/profile.ts [--rules three|shipped|three,days] [--events N] [--ids several]
 * [--hostile NAME] [--top 40]`.
 */

import { Session } from 'node:inspector/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

import { passOver, rulesNamed } from './path.ts';
import { hostile, usual } from './workload.ts';

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: 'three' },
    events: { type: 'string', default: '200000' },
    ids: { type: 'string', default: 'one' },
    hostile: { type: 'string' },
    passes: { type: 'string', default: '3' },
    top: { type: 'string', default: '40' },
  },
});
const options = { events: Number(values.events), ids: values.ids === 'several' ? 'several' : 'one' } as const;
const log = values.hostile === undefined ? usual(options) : hostile(values.hostile, options);
const ruleSet = rulesNamed(...values.rules.split(','));

passOver(log.bytes, ruleSet);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 200 });
await session.post('Profiler.start');
const before = process.cpuUsage();
for (let pass = 0; pass < Number(values.passes); pass += 1) passOver(log.bytes, ruleSet);
const { user, system } = process.cpuUsage(before);
const { profile } = await session.post('Profiler.stop');
session.disconnect();

const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
const parents = new Map(
  profile.nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id])),
);
const own = new Map<string, number>();
const withCalls = new Map<string, number>();
let all = 0;
profile.samples!.forEach((sample, i) => {
  const micros = profile.timeDeltas![i]!;
  all += micros;
  add(own, nameOf(sample), micros);
  const counted = new Set<string>();
  for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
    const name = nameOf(id);
    if (!counted.has(name)) add(withCalls, name, micros);
    counted.add(name);
  }
});

const perEvent = ((user + system) * 1000) / (log.events * Number(values.passes));
console.log(
  `${log.name}, rules ${values.rules}: ${perEvent.toFixed(0)} ns of CPU per event, sampling included\n`,
);
print('alone', own);
print('with what it calls', withCalls);

function nameOf(id: number): string {
  const { functionName, url, lineNumber } = nodes.get(id)!.callFrame;
  return `${functionName === '' ? '(anonymous)' : functionName} ${basename(url)}:${lineNumber + 1}`;
}

function add(to: Map<string, number>, name: string, micros: number): void {
  to.set(name, (to.get(name) ?? 0) + micros);
}

function print(title: string, shares: ReadonlyMap<string, number>): void {
  console.log(title);
  const sorted = [...shares].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top));
  for (const [name, micros] of sorted) {
    const share = micros / all;
    console.log(
      `${(100 * share).toFixed(1).padStart(6)} %${(share * perEvent).toFixed(0).padStart(7)} ns  ${name}`,
    );
  }
  console.log();
}
