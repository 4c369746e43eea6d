/**
 * Whose records an account opens on a day: mostly persons of its caseload, some of its own office, few others.
 *
 * Assumed: of those outside the caseload, 70 % are accompanied by the account's own structure, 27 % by one of two
 * neighbours, 3 % by any in the country; so one or two structures a day, rarely more.
 */

import type { Account } from './cast.ts';
import { REGISTER_SIZE, STRUCTURES } from './cast.ts';
import type { Permutation, Random } from './random.ts';

const OWN_STRUCTURE = 0.7;
const NEIGHBOUR = 0.27;

export class Persons {
  readonly #registers: Readonly<Record<'p' | 'j', Permutation>>;
  readonly #caseload = new Uint32Array(1024);
  #size = 0;
  #used = 0;
  /** The chosen persons, distinct except for rare chance repetitions outside the caseload. */
  readonly ids: number[] = [];
  /** For each: 0 for the caseload, else 1 + the structure's position. */
  readonly scopes: number[] = [];

  /** `registers` scatters the persons: neighbours in a caseload are not neighbours by id. */
  constructor(registers: Readonly<Record<'p' | 'j', Permutation>>) {
    this.#registers = registers;
  }

  /** Starts afresh with the caseload of an account. */
  begin(account: Account): void {
    this.ids.length = 0;
    this.scopes.length = 0;
    this.#used = 0;
    this.#size = Math.min(account.caseloadSize, this.#caseload.length);
    for (let i = 0; i < this.#size; i++) this.#caseload[i] = i;
  }

  /** Adds `wanted` persons inside and outside the caseload. */
  choose(random: Random, account: Account, wanted: number): void {
    const size = REGISTER_SIZE[account.profile.register];
    for (let i = 0; i < wanted; i++) {
      if (this.#used < this.#size && random.chance(account.inScopeShare)) {
        this.#takeOwn(random, account);
      } else {
        this.ids.push(random.below(size));
        this.scopes.push(1 + structureOf(random, account));
      }
    }
  }

  /** Adds `wanted` persons of the caseload only, or as many as it has left. */
  chooseOwn(random: Random, account: Account, wanted: number): void {
    for (let i = 0; i < wanted && this.#used < this.#size; i++) this.#takeOwn(random, account);
  }

  /** Adds persons of a colleague's caseload, at most as many as the smallest caseload has. */
  chooseOfColleague(random: Random, account: Account, wanted: number): void {
    const [least, most] = account.profile.caseload;
    const first = random.below(least);
    for (let i = 0; i < Math.min(wanted, least); i++) {
      this.ids.push(this.#person(account, most + ((first + i) % least)));
      this.scopes.push(1 + account.structureIndex);
    }
  }

  /** Shuffles the chosen persons. */
  shuffle(random: Random): void {
    const { ids, scopes } = this;
    for (let i = ids.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [ids[i], ids[j]] = [ids[j]!, ids[i]!];
      [scopes[i], scopes[j]] = [scopes[j]!, scopes[i]!];
    }
  }

  /** Persons [from, from + count) of the account's caseload. */
  run(account: Account, from: number, count: number): readonly number[] {
    return Array.from({ length: count }, (_, i) => this.#person(account, from + i));
  }

  #takeOwn(random: Random, account: Account): void {
    const j = this.#used + random.below(this.#size - this.#used);
    const chosen = this.#caseload[j]!;
    this.#caseload[j] = this.#caseload[this.#used]!;
    this.#used++;
    this.ids.push(this.#person(account, chosen));
    this.scopes.push(0);
  }

  #person(account: Account, i: number): number {
    const { register } = account.profile;
    return this.#registers[register].of((account.caseloadStart + i) % REGISTER_SIZE[register]);
  }
}

function structureOf(random: Random, account: Account): number {
  const x = random.float();
  if (x < OWN_STRUCTURE) return account.structureIndex;
  if (x < OWN_STRUCTURE + NEIGHBOUR) {
    return (account.structureIndex + (random.chance(0.5) ? 1 : STRUCTURES - 1)) % STRUCTURES;
  }
  return random.below(STRUCTURES);
}
