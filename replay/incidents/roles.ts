/**
 * Roles that only accounts of incidents have, and nobody in the ordinary cast. What their owners do on a usual day is
 * assumed, and serves to give the accounts a history before they are taken over. All sign in with a password only: in
 * each case public sources name the missing second factor, or the usurped login.
 */

import type { RoleProfile } from '../roles.ts';

export type IncidentRoleName = 'professionnel_sante' | 'partenaire_gael' | 'agent_ficoba' | 'agent_dgfip';

const PASSWORD_ONLY = { lifecycle: 'active', acr: 'eidas1', amr: ['pwd'] } as const;

const OFFICIAL = {
  share: 0,
  accountsPerOrganisation: 10,
  presence: 0.85,
  personsPerDay: 8,
  accountDispersion: 6,
  dayDispersion: 2.2,
  caseload: [100, 200],
  inScope: [0.8, 0.9],
  register: 'p',
} as const;

export const INCIDENT_ROLES: Readonly<Record<IncidentRoleName, RoleProfile>> = {
  professionnel_sante: {
    ...OFFICIAL,
    role: 'professionnel_sante',
    organisationLabel: 'Cabinet de santé',
    structurePrefix: 'PS',
    signIn: { ...PASSWORD_ONLY, application: 'tiers-payant', idpId: 'tiers-payant-local' },
    personsPerDay: 20,
    caseload: [300, 500],
    sensitivity: ['nir', 'contact'],
  },
  partenaire_gael: {
    ...OFFICIAL,
    role: 'partenaire_gael',
    organisationLabel: 'Organisme partenaire',
    structurePrefix: 'GA',
    signIn: { ...PASSWORD_ONLY, application: 'gael', idpId: 'gael-local' },
    sensitivity: ['contact'],
  },
  agent_ficoba: {
    ...OFFICIAL,
    role: 'agent_ficoba',
    organisationLabel: 'Administration',
    structurePrefix: 'FI',
    signIn: { ...PASSWORD_ONLY, application: 'ficoba', idpId: 'ficoba-local' },
    sensitivity: ['contact', 'bank'],
  },
  agent_dgfip: {
    ...OFFICIAL,
    role: 'agent_dgfip',
    organisationLabel: 'Service des impôts',
    structurePrefix: 'IM',
    signIn: { ...PASSWORD_ONLY, application: 'dossier-fiscal', idpId: 'dgfip-local' },
    personsPerDay: 25,
    caseload: [200, 400],
    sensitivity: ['contact', 'tax'],
  },
};
