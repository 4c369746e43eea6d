/**
 * How each role works: shares, sign-in, presence, persons per day, caseload. Accounts vary around their role.
 *
 * Sourced: 160,000 professionals in the network; about 37,000 France Travail advisers (caseloads up to 70, 100–150 or
 * 200–350), 1,100 Cap emploi advisers in 98 organisations (160 persons each), 11,000 advisers in 440 Missions locales
 * (100 youths each) with one account manager (RGC) each; advisers see 25 to 40 distinct persons a day, 80 to 90 % of
 * them from their caseload; training organisations see 3 a day.
 * Assumed: the helpdesk is 0.5 % of the accounts; everyone else works for a training organisation, two accounts per
 * organisation; office sizes; presence; sign-in methods: training organisations and jobseekers have a password only,
 * all others two factors. Jobseekers and unattended accounts are not professionals and are counted separately.
 */

import type { IncidentRoleName } from './incidents/roles.ts';
import { INCIDENT_ROLES } from './incidents/roles.ts';
import type { SignIn } from './session.ts';

export type RoleName =
  | 'conseiller'
  | 'conseiller_cap_emploi'
  | 'conseiller_mission_locale'
  | 'rgc'
  | 'helpdesk'
  | 'of_gestionnaire'
  | 'demandeur'
  | 'service'
  | IncidentRoleName;

/** How a role works. Persons are counted per day on which the account is present. */
export interface RoleProfile {
  readonly role: RoleName;
  /** Share of the professionals' accounts; the shares sum to 1. */
  readonly share: number;
  readonly accountsPerOrganisation: number;
  readonly organisationLabel: string;
  /** Structures are this prefix and a three-character department: ML038. */
  readonly structurePrefix: string;
  readonly signIn: SignIn;
  /** Probability of working on a working day. */
  readonly presence: number;
  /** Mean distinct persons per day, and the dispersions (gamma shapes) between accounts and between days. */
  readonly personsPerDay: number;
  readonly accountDispersion: number;
  readonly dayDispersion: number;
  readonly caseload: readonly [number, number];
  /** Share of a day's persons that belong to the caseload, drawn per account. */
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
  dayDispersion: 2.6,
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
    personsPerDay: 40,
    accountDispersion: 6,
    dayDispersion: 4,
    caseload: [4000, 12_000],
    inScope: [1, 1],
    register: 'p',
    sensitivity: ['contact'],
  },
  ...INCIDENT_ROLES,
};
