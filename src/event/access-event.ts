/**
 * The vocabulary of access events: Elastic Common Schema names, plus `portal.*` for what a portal knows and ECS
 * does not name. Nested form; a dotted key means the same (`docs/event.md`).
 *
 * This schema is the contract for whoever writes events. The per-event path does not run it: the decoder checks
 * the two things it relies on, the time and the persons' ids, and a test keeps those checks consistent with the
 * schema. Unknown fields are allowed everywhere: logs carry more than rules look at.
 */

import { z } from 'zod';

import { parseTime } from './time.ts';

const keyword = (description: string, ...examples: string[]) =>
  z.string().optional().meta({ description, examples });

const keywords = (description: string, ...examples: string[][]) =>
  z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description, examples });

const long = (description: string, ...examples: number[]) =>
  z.int().nonnegative().optional().meta({ description, examples });

const timeText = z
  .string()
  .refine((text) => !Number.isNaN(parseTime(text)), 'not a date-time such as 2025-07-12T21:04:11.120Z')
  .meta({ format: 'date-time' });

const time = z.union([
  timeText,
  z.number().refine((ms) => !Number.isNaN(parseTime(ms)), 'not milliseconds since the epoch'),
]);

const date = (description: string, ...examples: string[]) => time.optional().meta({ description, examples });

const personId = z.union([z.string(), z.number()]);

const event = z.looseObject({
  id: keyword(
    'Identity of the event, a ULID for example; copies are recognised by it, so it must not come from the client.',
    '01K00ZP7Q4T3M9V2X8R6N5B1CD',
  ),
  category: keywords('ECS categories.', ['iam'], ['web']),
  type: keywords('ECS types.', ['user', 'creation'], ['access']),
  action: keyword(
    'What was done: login, logout, password-reset, mfa-enroll, account-create, habilitation-grant, record-search, record-view, record-list, record-export, document-download, session-revoke.',
    'record-view',
  ),
  outcome: keyword('success, failure or unknown.', 'failure'),
  reason: keyword('Why it ended so.', 'bad_password'),
  ingested: date('When the log pipeline took it in.', '2025-07-12T21:04:12.004Z'),
});

const user = z.looseObject({
  id: keyword('The acting account.', 'u-7f3a'),
  roles: keywords(
    'Roles of the account: conseiller_cap_emploi, rgc, of_gestionnaire, helpdesk, demandeur, service (unattended).',
    ['conseiller_cap_emploi'],
  ),
  target: z
    .looseObject({ id: keyword('The account acted upon: reset, created, granted.', 'u-91bc') })
    .optional(),
});

const source = z.looseObject({
  ip: keyword('Address of the client, IPv4 or IPv6.', '203.0.113.7'),
  as: z.looseObject({ number: long('Autonomous system of the address.', 64500) }).optional(),
  geo: z
    .looseObject({ country_iso_code: keyword('Country of the address, ISO 3166-1 alpha-2.', 'FR') })
    .optional(),
});

const http = z.looseObject({
  request: z.looseObject({ method: keyword('Request method.', 'GET') }).optional(),
  response: z
    .looseObject({
      status_code: long('Response status.', 200),
      body: z.looseObject({ bytes: long('Size of the response body, bytes.', 18240) }).optional(),
    })
    .optional(),
});

const portal = z.looseObject({
  session: z
    .looseObject({
      id: keyword('The session.', 's-4c1d'),
      started_at: date('When the session was opened.', '2025-07-12T20:58:00Z'),
    })
    .optional(),
  auth: z
    .looseObject({
      idp_id: keyword('Identity provider.', 'proconnect'),
      acr: keyword('Authentication context class reached.', 'eidas1-mfa'),
      amr: keywords('Authentication methods used.', ['pwd', 'totp']),
    })
    .optional(),
  account: z
    .looseObject({
      created_at: date('When the account was created.', '2025-11-24T09:12:00Z'),
      created_by: keyword('Who created the account.', 'u-rgc-01'),
      organization_id: keyword('Organisation of the account that is created or granted.', '13000548100028'),
    })
    .optional(),
  reset: z
    .looseObject({
      channel: keyword('How the password reset was asked for.', 'helpdesk'),
      operator: keyword('Who carried the reset out.', 'u-hd-3'),
    })
    .optional(),
  habilitation: z
    .looseObject({ scope: keyword('The right that was granted.', 'ouiform.dossier.read') })
    .optional(),
  records: z
    .looseObject({
      count: long('Persons’ records that the response held.', 50),
      ids: z
        .union([personId, z.array(personId)])
        .optional()
        .meta({
          description: 'The portal’s ids of those persons; replaced by a keyed hash on entry.',
          examples: [['0012345678A', '0012345679B']],
        }),
      out_of_scope_count: long('Records of persons whom the account does not accompany.', 48),
      structures: keywords('Structures that accompany those persons.', ['ML038', 'ML075']),
      sensitivity: keywords('Categories of data shown: nir, contact, document, bank, tax.', ['nir']),
    })
    .optional(),
  app: z.looseObject({ lifecycle: keyword('active or decommissioning.', 'decommissioning') }).optional(),
});

export const AccessEvent = z
  .looseObject({
    '@timestamp': time.meta({
      description: 'Event time: ISO 8601 (no offset means UTC) or epoch milliseconds.',
      examples: ['2025-07-12T21:04:11.120Z'],
    }),
    event: event.optional(),
    user: user.optional(),
    organization: z
      .looseObject({
        id: keyword('The account’s organisation, a SIRET for example.', '13000548100010'),
        name: keyword('Its label.', 'Mission locale de l’Isère'),
      })
      .optional(),
    source: source.optional(),
    user_agent: z.looseObject({ original: keyword('User agent as sent.', 'Mozilla/5.0') }).optional(),
    http: http.optional(),
    url: z.looseObject({ path: keyword('Path of the request.', '/recherche') }).optional(),
    service: z.looseObject({ name: keyword('The application.', 'kairos') }).optional(),
    portal: portal.optional(),
  })
  .meta({ title: 'AccessEvent', description: 'One entry of a portal’s access log.' });

/** A valid event as its writer sees it. */
export type AccessEvent = z.input<typeof AccessEvent>;

const LEAVES = leaves(AccessEvent, '');

/** Dotted paths of all fields of the vocabulary, sorted. */
export const KNOWN_FIELDS: readonly string[] = Object.freeze(LEAVES.map(([path]) => path).sort());

/** Known fields that hold a number. */
export const LONG_FIELDS: ReadonlySet<string> = new Set(
  LEAVES.filter(([, schema]) => schema instanceof z.ZodNumber).map(([path]) => path),
);

/** The form of a field's values, for values that are not read from a log. */
export interface FieldForm {
  /** Whether it may be a list of values. */
  readonly takesList: boolean;
  /** Whether a single value has this form. */
  readonly fits: (value: unknown) => boolean;
  /** The expected form, in words. */
  readonly expected: string;
}

/** Undefined for fields beyond the vocabulary, which may hold anything. */
export function formOf(path: string): FieldForm | undefined {
  const schema = LEAVES.find(([leaf]) => leaf === path)?.[1];
  if (schema === undefined) return undefined;
  const fits = (value: unknown): boolean => schema.safeParse(value).success;
  const [text, number] = [fits(''), fits(0)];
  return {
    takesList: fits([]),
    fits: (value) => !Array.isArray(value) && fits(value),
    expected: text
      ? number
        ? 'a text, in quotes, or a number'
        : 'a text; put it in quotes'
      : number
        ? 'a whole number, 0 or more, without quotes'
        : 'a time such as 2025-07-12T21:04:11.120Z',
  };
}

function leaves(schema: z.ZodType, path: string): [path: string, schema: z.ZodType][] {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  if (!(inner instanceof z.ZodObject)) return [[path, inner]];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) =>
    leaves(value, path === '' ? key : `${path}.${key}`),
  );
}
