/** One round of a scenario: what it draws from its seed, and what it is compared with. */

import { FEW_RULES } from '../support/programs.ts';
import type { CrashStep } from './crash-steps.ts';
import { Deployment } from './deployment.ts';
import type { DeploymentOptions } from './environment.ts';
import { buildInput } from './input.ts';
import type { Input } from './input.ts';
import { differences } from './outcome.ts';
import type { Order, Outcome } from './outcome.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** For people. */
  readonly does: string;
  /** Why it cannot be played here; undefined: it can. */
  readonly obstacle?: () => string | undefined;
  /** Throws what went wrong. What it returns is told to people. */
  readonly play: (round: Round) => Promise<string>;
}

/** Every further rule fires on ordinary work. */
const FAULT_RULES = 'tests/faults/rules';
/** Rules that are grouped by the account alone, which is the topic's key. */
const KEYED_RULES = [FEW_RULES, FAULT_RULES] as const;
const SHIPPED_RULES = ['rules', FAULT_RULES] as const;
/** Grouped by all kinds of fields. */
const UNKEYED_RULES = [...SHIPPED_RULES, 'tests/faults/unkeyed-rules'] as const;
/** Logs of which each round takes one. */
const LOGS = 4;

/** What all rounds share. */
export class Memory {
  /** By the name of the input. */
  readonly undisturbed = new Map<string, Promise<Outcome>>();
  /** How often a process died at each step. */
  readonly hits = new Map<CrashStep, number>();
}

export class Round {
  readonly seed: number;
  readonly world: World;
  /** What takes minutes is to take seconds. */
  readonly brief: boolean;
  readonly deployments: Deployment[] = [];
  readonly #memory: Memory;
  #state: number;

  constructor(seed: number, world: World, memory: Memory, brief: boolean) {
    this.seed = seed;
    this.world = world;
    this.brief = brief;
    this.#memory = memory;
    this.#state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  }

  /** A whole number below `limit`; the same ones for the same seed. */
  random(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  one<T>(of: readonly T[]): T {
    return of[this.random(of.length)]!;
  }

  /** One of some logs. On a single partition the shipped rules have their turn, too. */
  input(partitions = 1): Input {
    const log = this.random(LOGS);
    const rules = partitions === 1 && log % 2 === 1 ? SHIPPED_RULES : KEYED_RULES;
    return buildInput({ seed: log, partitions, rules });
  }

  /** Rules that are grouped by all kinds of fields, the shipped ones among them, on partitions keyed by none. */
  unkeyedInput(partitions: number): Input {
    return buildInput({ seed: this.random(LOGS), partitions, rules: UNKEYED_RULES, key: 'none' });
  }

  /** Few large events, or more of less large ones: 250 or 350 MB. And the same log without what makes them large. */
  heavyInput(): { readonly heavy: Input; readonly light: Input } {
    const [accounts, paddingBytes] = this.brief ? [25, 68_000] : [300, 12_000];
    const options = { seed: this.random(LOGS), partitions: 3, rules: KEYED_RULES, accounts };
    return { heavy: buildInput({ ...options, paddingBytes }), light: buildInput(options) };
  }

  /** A log of one week, to be followed by one of another. */
  keyedInput({ week }: { readonly week: number }): Input {
    return buildInput({ seed: this.random(LOGS), partitions: 1, rules: KEYED_RULES, week });
  }

  async deploy(input: Input, options?: DeploymentOptions, world = this.world): Promise<Deployment> {
    const deployment = await Deployment.create(world, input, options);
    this.deployments.push(deployment);
    return deployment;
  }

  /** What the input gives when nothing happens; played once an input. */
  undisturbed(input: Input): Promise<Outcome> {
    const { undisturbed } = this.#memory;
    const known = undisturbed.get(input.name);
    if (known !== undefined) return known;
    const played = this.#playUndisturbed(input);
    undisturbed.set(input.name, played);
    played.catch(() => undisturbed.delete(input.name));
    return played;
  }

  async #playUndisturbed(input: Input): Promise<Outcome> {
    const deployment = await Deployment.create(this.world, input);
    try {
      const { running } = deployment.start();
      await deployment.feed(1, 0);
      await deployment.finish();
      const { accepted, duplicates, deadLetters } = await running.message('stopped');
      const outcome = await deployment.outcome(Number(deadLetters));
      const accounted = outcome.eventIds.length + outcome.letters.size + Number(duplicates);
      if (accounted !== input.messages.length || outcome.eventIds.length !== accepted) {
        throw new Error(
          `undisturbed, ${input.messages.length} messages became ${outcome.eventIds.length} archived events, ${outcome.letters.size} dead letters and ${Number(duplicates)} copies`,
        );
      }
      if (outcome.alerts.length < 20) throw new Error(`only ${outcome.alerts.length} alerts to lose`);
      return outcome;
    } finally {
      await deployment.end();
    }
  }

  hit(step: CrashStep): void {
    const { hits } = this.#memory;
    hits.set(step, 1 + (hits.get(step) ?? 0));
  }

  /** Throws in what the deployment's outcome differs from that of its input undisturbed. */
  async compare(deployment: Deployment, input: Input): Promise<void> {
    await this.compareWith(deployment, await this.undisturbed(input), input.order);
  }

  async compareWith(deployment: Deployment, expected: Outcome, order?: Order): Promise<void> {
    const found = differences(expected, await deployment.outcome(expected.letters.size), order);
    if (found.length > 0) throw new Error(found.join('\n'));
  }
}
