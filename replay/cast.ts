/**
 * The accounts of the benign background: who works on the portals, in which organisation, how much.
 *
 * An account is a function of (seed, index): account 17 is the same person in a cast of 100 and of 100,000.
 * Its place in its role (which office, which caseload) follows from the accounts before it.
 *
 * Sourced: 160,000 professionals in the network; about 37,000 France Travail advisers (caseloads up to 70,
 * 100–150 or 200–350), 1,100 Cap emploi advisers in 98 organisations (160 persons each), 11,000 advisers in
 * 440 Missions locales (100 youths each) with one account manager (RGC) each.
 * Assumed: the helpdesk is 0.5 % of the accounts; everyone else works for a training organisation, two
 * accounts per organisation; office sizes; 3 % of the organisations are overseas; sign-in methods: training
 * organisations have a password only, all others two factors.
 */

import { HOUR_MS } from './calendar.ts';
import { isoTime } from './event-id.ts';
import type { Identity, Organisation, SignIn } from './session.ts';
import { browser, hex32, NO_ORGANISATION, officeNetwork, organisationId } from './session.ts';
import type { Random } from './random.ts';
import { Permutation } from './random.ts';

export type RoleName =
  | 'conseiller'
  | 'conseiller_cap_emploi'
  | 'conseiller_mission_locale'
  | 'rgc'
  | 'helpdesk'
  | 'of_gestionnaire'
  | 'demandeur'
  | 'service';

/** How a role works. Persons are counted per day on which the account is present. */
export interface RoleProfile {
  readonly role: RoleName;
  /** Share of the professionals' accounts; the shares sum to 1. */
  readonly share: number;
  readonly accountsPerOrganisation: number;
  readonly organisationLabel: string;
  /** Structures are this prefix and a three-digit department: ML038. */
  readonly structurePrefix: string;
  readonly signIn: SignIn;
  /** Probability to work on a working day. */
  readonly presence: number;
  /** Mean distinct persons per day, and dispersions (gamma shapes) between accounts and between days. */
  readonly personsPerDay: number;
  readonly accountDispersion: number;
  readonly dayDispersion: number;
  readonly caseload: readonly [number, number];
  /** Share of a day's persons who are in the caseload, drawn per account. */
  readonly inScope: readonly [number, number];
  /** Register of persons: p (jobseekers) or j (youths of the Missions locales). */
  readonly register: 'p' | 'j';
  readonly sensitivity: readonly string[];
}

const TWO_FACTORS = { idpId: 'proconnect', acr: 'eidas1-mfa', amr: ['pwd', 'totp'] } as const;
const PORTAL: SignIn = { application: 'portail-emploi', lifecycle: 'active', ...TWO_FACTORS };
const MILO: SignIn = { application: 'i-milo', lifecycle: 'active', ...TWO_FACTORS };
const KAIROS: SignIn = {
  application: 'kairos',
  lifecycle: 'decommissioning',
  idpId: 'kairos-local',
  acr: 'eidas1',
  amr: ['pwd'],
};

const ADVISER = {
  presence: 0.85,
  personsPerDay: 32,
  accountDispersion: 6,
  dayDispersion: 2.2,
  inScope: [0.8, 0.9],
} as const;

export const ROLES: Readonly<Record<RoleName, RoleProfile>> = {
  conseiller: {
    ...ADVISER,
    role: 'conseiller',
    share: 37 / 160,
    accountsPerOrganisation: 40,
    organisationLabel: 'Agence pour l’emploi',
    structurePrefix: 'AG',
    signIn: PORTAL,
    caseload: [70, 350],
    register: 'p',
    sensitivity: ['contact'],
  },
  conseiller_cap_emploi: {
    ...ADVISER,
    role: 'conseiller_cap_emploi',
    share: 1.1 / 160,
    accountsPerOrganisation: 11,
    organisationLabel: 'Cap emploi',
    structurePrefix: 'CE',
    signIn: PORTAL,
    caseload: [120, 200],
    register: 'p',
    sensitivity: ['contact'],
  },
  conseiller_mission_locale: {
    ...ADVISER,
    role: 'conseiller_mission_locale',
    share: 11 / 160,
    accountsPerOrganisation: 25,
    organisationLabel: 'Mission locale',
    structurePrefix: 'ML',
    signIn: MILO,
    personsPerDay: 28,
    caseload: [80, 120],
    register: 'j',
    sensitivity: ['nir', 'contact'],
  },
  rgc: {
    ...ADVISER,
    role: 'rgc',
    share: 0.44 / 160,
    accountsPerOrganisation: 1,
    organisationLabel: 'Mission locale',
    structurePrefix: 'ML',
    signIn: MILO,
    personsPerDay: 8,
    caseload: [30, 60],
    register: 'j',
    sensitivity: ['nir', 'contact'],
  },
  helpdesk: {
    ...ADVISER,
    role: 'helpdesk',
    share: 0.8 / 160,
    accountsPerOrganisation: 1_000_000,
    organisationLabel: 'Centre de services',
    structurePrefix: 'HD',
    signIn: PORTAL,
    personsPerDay: 0,
    caseload: [1, 1],
    register: 'p',
    sensitivity: ['contact'],
  },
  of_gestionnaire: {
    role: 'of_gestionnaire',
    share: 109.66 / 160,
    accountsPerOrganisation: 2,
    organisationLabel: 'Organisme de formation',
    structurePrefix: 'AG',
    signIn: KAIROS,
    presence: 0.6,
    personsPerDay: 3,
    accountDispersion: 4,
    dayDispersion: 1.5,
    caseload: [40, 80],
    inScope: [0.95, 1],
    register: 'p',
    sensitivity: ['contact'],
  },
  demandeur: {
    role: 'demandeur',
    share: 0,
    accountsPerOrganisation: Infinity,
    organisationLabel: '',
    structurePrefix: 'AG',
    signIn: {
      ...PORTAL,
      application: 'espace-personnel',
      idpId: 'compte-personnel',
      acr: 'eidas1',
      amr: ['pwd'],
    },
    presence: 0.1,
    personsPerDay: 1,
    accountDispersion: 4,
    dayDispersion: 1.5,
    caseload: [1, 1],
    inScope: [1, 1],
    register: 'p',
    sensitivity: ['contact', 'nir'],
  },
  service: {
    role: 'service',
    share: 0,
    accountsPerOrganisation: 1,
    organisationLabel: 'Système d’information',
    structurePrefix: 'AG',
    signIn: {
      ...PORTAL,
      application: 'api-dossiers',
      idpId: 'client-credentials',
      acr: 'eidas1',
      amr: ['swk'],
    },
    presence: 1,
    personsPerDay: 150,
    accountDispersion: 6,
    dayDispersion: 4,
    caseload: [4000, 12_000],
    inScope: [1, 1],
    register: 'p',
    sensitivity: ['contact'],
  },
};
const ROLE_LIST: readonly RoleProfile[] = Object.values(ROLES);

/** Persons known to the registers: all who were jobseekers in twenty years; all youths on file. */
export const REGISTER_SIZE = { p: 43_000_000, j: 2_000_000 } as const;

const OVERSEAS: readonly (readonly [string, number])[] = [
  ['971', -4],
  ['972', -4],
  ['973', -3],
  ['974', 4],
];
/** Metropolitan departments that occur: 01 to 95 without Corsica. */
const DEPARTMENTS: readonly string[] = Array.from({ length: 95 }, (_, i) =>
  String(i + 1).padStart(2, '0'),
).filter((department) => department !== '20');

const ALL_DEPARTMENTS: readonly string[] = [...DEPARTMENTS, ...OVERSEAS.map(([department]) => department)];
/** Number of structures of each kind: one per department. */
export const STRUCTURES = ALL_DEPARTMENTS.length;

/** Every structure of a prefix. */
export function structuresOf(prefix: string): readonly string[] {
  return ALL_DEPARTMENTS.map((department) => prefix + department.padStart(3, '0'));
}

/** One account of the background: an identity and its habits. */
export interface Account extends Identity {
  readonly index: number;
  readonly profile: RoleProfile;
  /** Offset of the account's clock from UTC, ms; undefined for Europe/Paris. */
  readonly zoneOffsetMs: number | undefined;
  /** Position of the account's own structure in `structuresOf` its profile's prefix. */
  readonly structureIndex: number;
  /** Mean distinct persons on a day of presence. */
  readonly personsPerDay: number;
  readonly caseloadSize: number;
  /** Number of the first person of the caseload before the register's permutation. */
  readonly caseloadStart: number;
  readonly inScopeShare: number;
  readonly userAgent: string;
}

/** What an incident fixes of an account whose owner also works normally. */
export interface AccountSpec {
  /** Distinct per account and incident. */
  readonly name: string;
  readonly role: RoleName;
  /** Of the organisation; ignored for jobseekers, who have none. */
  readonly department: string;
}

/** Indices: at most this many professionals, then at most this many jobseekers, then named accounts. */
export const MAX_ACCOUNTS = 1_000_000;
export const MAX_JOBSEEKERS = 4_000_000;
const NAMED_FROM = MAX_ACCOUNTS + MAX_JOBSEEKERS;
const INDICES = 1 << 24;
/** A jobseeker's: no organisation, Europe/Paris. */
const AT_HOME = { organisation: NO_ORGANISATION, zoneOffsetMs: undefined };
const OLDEST_ACCOUNT_MS = Date.UTC(2019, 0, 1);
const NEWEST_ACCOUNT_MS = Date.UTC(2025, 0, 1);

export class Cast {
  readonly #random: Random;
  readonly #names: Permutation;
  readonly #named = new Map<string, number>();
  readonly #taken = new Set<number>();
  readonly #ordinals = new Map<RoleName, number>();
  readonly #organisations = new Map<
    string,
    { organisation: Organisation; zoneOffsetMs: number | undefined }
  >();
  readonly accounts: Account[] = [];

  constructor(random: Random, size: number) {
    this.#random = random.split('cast');
    this.#names = new Permutation(random.split('user-ids'), INDICES);
    for (let i = 0; i < size; i++) this.accounts.push(this.#account(i));
  }

  /** Accounts of a role, in order of index. */
  withRole(role: RoleName): Account[] {
    return this.accounts.filter((account) => account.role === role);
  }

  /** Adds the account of an incident; its owner works like anyone of that role. */
  add(spec: AccountSpec): Account {
    const index = this.#indexOf(spec.name);
    const random = this.#random.split(`account ${spec.name}`);
    const profile = ROLES[spec.role];
    const office =
      profile === ROLES.demandeur
        ? AT_HOME
        : this.#organisation(profile, `incident ${spec.name}`, spec.department);
    const userId = this.#userIdOf(index);
    const account = this.#describe(index, userId, random, profile, office, random.below(900_000));
    this.accounts.push(account);
    return account;
  }

  /** An id for an account that is not in the cast; looks like any other. */
  userId(name: string): string {
    return this.#userIdOf(this.#indexOf(name));
  }

  /** The next free index at or after a random one: ids stay distinct however many names there are. */
  #indexOf(name: string): number {
    let index = this.#named.get(name);
    if (index === undefined) {
      index = NAMED_FROM + this.#random.split(`index ${name}`).below(INDICES - NAMED_FROM);
      while (this.#taken.has(index)) index = index + 1 < INDICES ? index + 1 : NAMED_FROM;
      this.#named.set(name, index);
      this.#taken.add(index);
    }
    return index;
  }

  #userIdOf(n: number): string {
    return `u-${hex32(this.#names.of(n)).slice(2)}`;
  }

  #account(index: number): Account {
    const random = this.#random.at(index);
    let x = random.float();
    const profile = ROLE_LIST.find((role) => (x -= role.share) < 0) ?? ROLES.of_gestionnaire;
    const ordinal = this.#ordinals.get(profile.role) ?? 0;
    this.#ordinals.set(profile.role, ordinal + 1);
    const office = this.#organisation(
      profile,
      `${profile.organisationLabel} ${Math.floor(ordinal / profile.accountsPerOrganisation)}`,
      undefined,
    );
    return this.#describe(index, this.#userIdOf(index), random, profile, office, ordinal);
  }

  #describe(
    index: number,
    userId: string,
    random: Random,
    profile: RoleProfile,
    office: { organisation: Organisation; zoneOffsetMs: number | undefined },
    ordinal: number,
  ): Account {
    return {
      index,
      userId,
      role: profile.role,
      organisation: office.organisation,
      signIn: profile.signIn,
      createdAt: isoTime(random.between(OLDEST_ACCOUNT_MS / 1000, NEWEST_ACCOUNT_MS / 1000) * 1000),
      profile,
      zoneOffsetMs: office.zoneOffsetMs,
      structureIndex: Math.max(0, ALL_DEPARTMENTS.indexOf(office.organisation.department)),
      personsPerDay: random.gamma(profile.accountDispersion, profile.personsPerDay),
      caseloadSize: random.between(profile.caseload[0], profile.caseload[1]),
      caseloadStart: (ordinal * profile.caseload[1]) % REGISTER_SIZE[profile.register],
      inScopeShare: profile.inScope[0] + (profile.inScope[1] - profile.inScope[0]) * random.float(),
      userAgent: browser(random),
    };
  }

  #organisation(
    profile: RoleProfile,
    name: string,
    department: string | undefined,
  ): { organisation: Organisation; zoneOffsetMs: number | undefined } {
    let office = this.#organisations.get(name);
    if (office === undefined) {
      const random = this.#random.split(`organisation ${name}`);
      const overseas = department === undefined && random.chance(0.03) ? random.pick(OVERSEAS) : undefined;
      const place = department ?? overseas?.[0] ?? random.pick(DEPARTMENTS);
      const network = officeNetwork(random.u32());
      office = {
        organisation: {
          id: organisationId(random),
          name: `${profile.organisationLabel} n° ${random.between(1, 9999)} (${place})`,
          department: place,
          egressIp: network.ip,
          asNumber: network.asNumber,
        },
        zoneOffsetMs: overseas === undefined ? undefined : overseas[1] * HOUR_MS,
      };
      this.#organisations.set(name, office);
    }
    return office;
  }
}
