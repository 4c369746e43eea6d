/**
 * The accounts of the benign background: who works on the portals, in which organisation, how much.
 *
 * An account is a function of (seed, index): account 17 is the same person in a cast of 100 and of 100,000. Its place
 * within its role (which office, which caseload) follows from the accounts before it. Its level is constant throughout
 * the replay, so that a baseline can learn it.
 *
 * Assumed: 3 % of the organisations are overseas; 4 % of them share one site's address with others, about 100 accounts
 * per site; 0.6 % of the training organisations' accounts look after 200 to 600 trainees; an organisation has four
 * unattended accounts per 10,000 accounts; accounts are three months to six years old.
 * Roles: roles.ts.
 */

import { DAY_MS, HOUR_MS, SECOND_MS } from './calendar.ts';
import { isoTime } from './event-id.ts';
import type { RoleName, RoleProfile } from './roles.ts';
import { ROLES } from './roles.ts';
import type { Identity, Organisation, SignIn } from './session.ts';
import { browser, hex32, NO_ORGANISATION, officeNetwork, organisationId, SYNC_CLIENT } from './session.ts';
import type { Random } from './random.ts';
import { Permutation } from './random.ts';

export type { RoleName, RoleProfile } from './roles.ts';
export { ROLES } from './roles.ts';

/** Persons in the registers: everyone who was a jobseeker in the last twenty years; all youths on file. */
export const REGISTER_SIZE = { p: 43_000_000, j: 2_000_000 } as const;

/** Department, offset from UTC in hours, and its own public holiday (abolition of slavery; month from 0). */
const OVERSEAS = [
  ['971', -4, [4, 27]],
  ['972', -4, [4, 22]],
  ['973', -3, [5, 10]],
  ['974', 4, [11, 20]],
] as const;
/** The metropolitan departments used: 01 to 95 without Corsica. */
const DEPARTMENTS: readonly string[] = Array.from({ length: 95 }, (_, i) =>
  String(i + 1).padStart(2, '0'),
).filter((department) => department !== '20');

const ALL_DEPARTMENTS: readonly string[] = [...DEPARTMENTS, ...OVERSEAS.map(([code]) => code)];
/** Number of structures of each kind: one per department. */
export const STRUCTURES = ALL_DEPARTMENTS.length;

/** Every structure of a prefix. */
export function structuresOf(prefix: string): readonly string[] {
  return ALL_DEPARTMENTS.map((department) => prefix + department.padStart(3, '0'));
}

/** The order in which each register numbers its persons. */
export function registersOf(random: Random): Readonly<Record<'p' | 'j', Permutation>> {
  return {
    p: new Permutation(random.split('register p'), REGISTER_SIZE.p),
    j: new Permutation(random.split('register j'), REGISTER_SIZE.j),
  };
}

/** One account of the background: an identity and its habits. */
export interface Account extends Identity {
  readonly index: number;
  readonly profile: RoleProfile;
  /** Offset of the account's clock from UTC, ms; undefined for Europe/Paris. */
  readonly zoneOffsetMs: number | undefined;
  /** A public holiday that only the account's department has: month from 0, day of the month. */
  readonly localHoliday: readonly [number, number] | undefined;
  /** Position of the account's own structure in `structuresOf` its profile's prefix. */
  readonly structureIndex: number;
  /** Mean distinct persons on a day of presence. */
  readonly personsPerDay: number;
  readonly caseloadSize: number;
  /** Number of the first person of the caseload before the register's permutation. */
  readonly caseloadStart: number;
  readonly inScopeShare: number;
  /** True for a training organisation large enough to export its list of trainees. */
  readonly exportsLists: boolean;
  readonly userAgent: string;
  /** Only for accounts created during the replay or shortly before. */
  readonly hired?: HiredAccount;
}

/** When a new colleague starts. */
export interface HiredAccount {
  /** First instant of work, ms since the epoch. */
  readonly worksFrom: number;
  /** Mask of the confounders that the first weeks count as. */
  readonly tags: number;
}

/** The office of an organisation. */
interface Office {
  readonly organisation: Organisation;
  readonly zoneOffsetMs: number | undefined;
  readonly localHoliday: readonly [number, number] | undefined;
}

export interface CastOptions {
  /** Accounts of professionals. */
  readonly accounts: number;
  readonly jobseekers: number;
  /** First instant of the replay, ms since the epoch. Accounts are at least 90 days older. */
  readonly start: number;
}

/** What an incident specifies about an account whose owner also works normally. */
export interface AccountSpec {
  /** Distinct per account and incident. */
  readonly name: string;
  readonly role: RoleName;
  /** Department of the organisation; ignored for jobseekers, who have none. */
  readonly department: string;
  /** Accounts with the same office belong to one organisation. Default: its own office. */
  readonly office?: string;
  /** Default: the role's. */
  readonly signIn?: SignIn;
  /** Place within the role, which determines the caseload: 0 ≤ ordinal < 10^8. Default: drawn. */
  readonly ordinal?: number;
}

/** Indices: at most this many professionals, then at most this many jobseekers, then named accounts. */
export const MAX_ACCOUNTS = 1_000_000;
export const MAX_JOBSEEKERS = 4_000_000;
const NAMED_FROM = MAX_ACCOUNTS + MAX_JOBSEEKERS;
const INDICES = 1 << 24;
/** Unattended accounts per professional account. */
const SERVICES = 4 / 10_000;
/** Accounts per site, and the share of organisations located at one: about 100 accounts share each site. */
const SITE_OF = 2500;
const IN_A_SITE = 0.04;
const EXPORTERS = 0.006;
const LIST_SIZE = [200, 600] as const;
const PROFILES: readonly RoleProfile[] = Object.values(ROLES);

/** A jobseeker's office: no organisation, Europe/Paris. */
const AT_HOME: Office = { organisation: NO_ORGANISATION, zoneOffsetMs: undefined, localHoliday: undefined };
const OLDEST_DAYS = 6 * 365;
const NEWEST_DAYS = 90;

export class Cast {
  readonly #random: Random;
  readonly #names: Permutation;
  readonly #newestMs: number;
  readonly #taken = new Set<number>();
  readonly #ordinals = new Map<RoleName, number>();
  readonly #offices = new Map<string, Office>();
  /** Professionals, unattended accounts, jobseekers; then those of incidents and new colleagues. */
  readonly accounts: Account[] = [];

  constructor(random: Random, options: CastOptions) {
    this.#random = random.split('cast');
    this.#names = new Permutation(random.split('user-ids'), INDICES);
    this.#newestMs = options.start - NEWEST_DAYS * DAY_MS;
    for (let i = 0; i < options.accounts; i++) this.accounts.push(this.#professional(i));
    const services = Math.round(options.accounts * SERVICES);
    for (let i = 1; i <= services; i++) {
      this.add({ name: `service ${i}`, role: 'service', department: '75' });
    }
    for (let i = 0; i < options.jobseekers; i++) {
      const index = MAX_ACCOUNTS + i;
      this.accounts.push(this.#describe(index, this.#random.at(index), ROLES.demandeur, AT_HOME, i));
    }
  }

  /** Accounts of a role, in order of index. */
  withRole(role: RoleName): Account[] {
    return this.accounts.filter((account) => account.role === role);
  }

  /** Adds an incident's account; its owner works like anyone in that role. */
  add(spec: AccountSpec): Account {
    const random = this.#random.split(`account ${spec.name}`);
    const profile = ROLES[spec.role];
    const office =
      profile === ROLES.demandeur
        ? AT_HOME
        : this.#office(profile, `incident ${spec.office ?? spec.name}`, spec.department, undefined);
    const index = this.#indexOf(spec.name);
    const described = this.#describe(index, random, profile, office, spec.ordinal ?? random.below(900_000));
    const account = spec.signIn === undefined ? described : { ...described, signIn: spec.signIn };
    this.accounts.push(account);
    return account;
  }

  /** Adds a colleague, whose account `creator` creates in their own organisation. */
  hire(name: string, role: RoleName, creator: Account, createdAt: number, hired: HiredAccount): Account {
    const random = this.#random.split(`account ${name}`);
    const office = { ...creator, organisation: creator.organisation };
    const index = this.#indexOf(name);
    const account = {
      ...this.#describe(index, random, ROLES[role], office, random.below(900_000)),
      createdAt: isoTime(createdAt),
      createdBy: creator.userId,
      hired,
    };
    this.accounts.push(account);
    return account;
  }

  /** An id for an account outside the cast that looks like any other. Each name is used only once. */
  userId(name: string): string {
    return this.#userIdOf(this.#indexOf(name));
  }

  /** The next free index at or after a random one: ids stay distinct however many names there are. */
  #indexOf(name: string): number {
    let index = NAMED_FROM + this.#random.split(`index ${name}`).below(INDICES - NAMED_FROM);
    while (this.#taken.has(index)) index = index + 1 < INDICES ? index + 1 : NAMED_FROM;
    this.#taken.add(index);
    return index;
  }

  #userIdOf(n: number): string {
    return `u-${hex32(this.#names.of(n)).slice(2)}`;
  }

  #professional(index: number): Account {
    const random = this.#random.at(index);
    let x = random.float();
    const profile = PROFILES.find((role) => (x -= role.share) < 0) ?? ROLES.of_gestionnaire;
    const ordinal = this.#ordinals.get(profile.role) ?? 0;
    this.#ordinals.set(profile.role, ordinal + 1);
    const name = `${profile.organisationLabel} ${Math.floor(ordinal / profile.accountsPerOrganisation)}`;
    const office = this.#office(profile, name, undefined, Math.floor(index / SITE_OF));
    return this.#describe(index, random, profile, office, ordinal);
  }

  #describe(index: number, random: Random, profile: RoleProfile, office: Office, ordinal: number): Account {
    const age = DAY_MS * OLDEST_DAYS * random.float();
    const createdAt = Math.floor((this.#newestMs - age) / SECOND_MS) * SECOND_MS;
    const personsPerDay = random.gamma(profile.accountDispersion, profile.personsPerDay);
    const caseload = random.between(profile.caseload[0], profile.caseload[1]);
    const inScopeShare = profile.inScope[0] + (profile.inScope[1] - profile.inScope[0]) * random.float();
    const userAgent = browser(random);
    const exportsLists = profile.role === 'of_gestionnaire' && random.chance(EXPORTERS);
    return {
      index,
      userId: this.#userIdOf(index),
      role: profile.role,
      organisation: office.organisation,
      signIn: profile.signIn,
      createdAt: isoTime(createdAt),
      profile,
      zoneOffsetMs: office.zoneOffsetMs,
      localHoliday: office.localHoliday,
      structureIndex: Math.max(0, ALL_DEPARTMENTS.indexOf(office.organisation.department)),
      personsPerDay,
      caseloadSize: exportsLists ? random.between(...LIST_SIZE) : caseload,
      caseloadStart: (ordinal * profile.caseload[1]) % REGISTER_SIZE[profile.register],
      inScopeShare,
      exportsLists,
      userAgent: profile.role === 'service' ? SYNC_CLIENT : userAgent,
    };
  }

  #office(
    profile: RoleProfile,
    name: string,
    department: string | undefined,
    site: number | undefined,
  ): Office {
    let office = this.#offices.get(name);
    if (office === undefined) {
      const random = this.#random.split(`organisation ${name}`);
      const overseas = department === undefined && random.chance(0.03) ? random.pick(OVERSEAS) : undefined;
      const place = department ?? overseas?.[0] ?? random.pick(DEPARTMENTS);
      const network = officeNetwork(random.u32());
      const organisation = {
        id: organisationId(random),
        name: `${profile.organisationLabel} n° ${random.between(1, 9999)} (${place})`,
        department: place,
        egressIp: network.ip,
        asNumber: network.asNumber,
      };
      const shares = site !== undefined && random.chance(IN_A_SITE);
      office = {
        organisation: shares ? { ...organisation, ...this.#site(site) } : organisation,
        zoneOffsetMs: overseas === undefined ? undefined : overseas[1] * HOUR_MS,
        localHoliday: overseas?.[2],
      };
      this.#offices.set(name, office);
    }
    return office;
  }

  #site(site: number): { readonly siteIp: string; readonly siteAsNumber: number } {
    const { ip, asNumber } = officeNetwork(this.#random.split(`site ${site}`).u32());
    return { siteIp: ip, siteAsNumber: asNumber };
  }
}
