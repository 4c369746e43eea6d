/**
 * Who acts, from where: accounts, networks, and the session parts of events.
 *
 * All addresses are from ranges that nobody owns (RFC 2544, RFC 6598, RFC 5737), all AS numbers are private
 * or for documentation, and organisation numbers have 14 digits like a SIRET but a wrong check digit: no
 * generated event can point at a real person, organisation or network.
 */

import { isoTime } from './event-id.ts';
import { encoded } from './event-writer.ts';
import type { Random } from './random.ts';
import { mix32 } from './random.ts';

/** What a role's accounts have in common at login. */
export interface SignIn {
  readonly application: string;
  readonly lifecycle: 'active' | 'decommissioning';
  readonly idpId: string;
  readonly acr: string;
  readonly amr: readonly string[];
}

export interface Organisation {
  readonly id: string;
  readonly name: string;
  /** INSEE department, `38`, `2A`, `974`. */
  readonly department: string;
  /** Shared address of its offices. */
  readonly egressIp: string;
  readonly asNumber: number;
}

export interface Identity {
  readonly userId: string;
  readonly role: string;
  readonly organisation: Organisation;
  readonly signIn: SignIn;
  /** ISO 8601. */
  readonly createdAt: string;
  /** `user.id` of the account's creator, for accounts created within the replay. */
  readonly createdBy?: string;
}

export interface Network {
  readonly ip: string;
  readonly asNumber: number;
  readonly userAgent: string;
}

const BROWSERS: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64) Edg/138.0',
  'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0',
  'Mozilla/5.0 (Windows NT 10.0) Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0) Chrome/138.0',
  'Mozilla/5.0 (Macintosh) Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64) Chrome/138.0',
];

/** Weights make Windows the rule and Linux rare, as in offices. */
export function browser(random: Random): string {
  const x = random.float();
  return BROWSERS[x < 0.45 ? 0 : x < 0.7 ? 1 : x < 0.8 ? 2 : x < 0.94 ? 3 : x < 0.98 ? 4 : 5]!;
}

/** 14 digits from a number, with a check digit that is wrong by one (Luhn). */
export function organisationId(random: Random): string {
  const digits = Array.from({ length: 13 }, (_, i) => (i === 0 ? random.between(1, 9) : random.below(10)));
  const sum = digits.reduce((total, digit, i) => {
    const weighted = i % 2 === 0 ? digit * 2 : digit;
    return total + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return `${digits.join('')}${(10 - (sum % 10) + 1) % 10}`;
}

/** Office egress: 198.18.0.0/15 (RFC 2544), one of 40 operators. `n` numbers the organisations. */
export function officeNetwork(n: number): { readonly ip: string; readonly asNumber: number } {
  const low = n % 131_072;
  return {
    ip: `198.${18 + (low >> 16)}.${(low >> 8) & 255}.${low & 255}`,
    asNumber: 64_512 + (mix32(n) % 40),
  };
}

/** Home or mobile line: 100.64.0.0/10 (RFC 6598), one of eight operators. `n` numbers the lines. */
export function homeNetwork(n: number): { readonly ip: string; readonly asNumber: number } {
  const low = mix32(n) % 4_194_304;
  return {
    ip: `100.${64 + (low >> 16)}.${(low >> 8) & 255}.${low & 255}`,
    asNumber: 64_600 + (mix32(n + 1) % 8),
  };
}

/** Server rented by the hour or exit of a VPN: 203.0.113.0/24 and 198.51.100.0/24 (RFC 5737). */
export function hostingNetwork(random: Random): { readonly ip: string; readonly asNumber: number } {
  const prefix = random.chance(0.5) ? '203.0.113' : '198.51.100';
  return { ip: `${prefix}.${random.between(1, 254)}`, asNumber: 64_496 + random.below(6) };
}

/**
 * One account on one network, as events show it: an open session, or an attempt that opened none.
 * `fragment` is what all its events share, encoded once; the other forms are for the rare events that show more.
 */
export class Session {
  readonly identity: Identity;
  readonly network: Network;
  /** Empty for an attempt. */
  readonly id: string;
  /** From `"user":{` on; the `portal` object is left open. */
  readonly fragment: Uint8Array;
  readonly #portal: string;

  private constructor(identity: Identity, network: Network, id: string, startedAt: number) {
    this.identity = identity;
    this.network = network;
    this.id = id;
    const { application, lifecycle } = identity.signIn;
    const session = id === '' ? '' : `,"session":{"id":"${id}","started_at":"${isoTime(startedAt)}"}`;
    this.#portal =
      `"user_agent":{"original":"${network.userAgent}"},"service":{"name":"${application}"},` +
      `"portal":{"app":{"lifecycle":"${lifecycle}"}${session}`;
    this.fragment = encoded(this.#render('', '', ''));
  }

  /** Opens a session at `startedAt` (ms since the epoch). */
  static open(identity: Identity, network: Network, startedAt: number, random: Random): Session {
    return new Session(
      identity,
      network,
      `s-${hex32(random.u32())}${hex32(random.u32()).slice(4)}`,
      startedAt,
    );
  }

  /** Who asks to be let in has no session yet. */
  static attempt(identity: Identity, network: Network): Session {
    return new Session(identity, network, '', 0);
  }

  get userId(): string {
    return this.identity.userId;
  }

  /** What a login shows instead of `fragment`: also the organisation's name, the operator and the country. */
  loginText(): string {
    const name = `,"name":${JSON.stringify(this.identity.organisation.name)}`;
    const as = `,"as":{"number":${this.network.asNumber}},"geo":{"country_iso_code":"FR"}`;
    return this.#render('', name, as);
  }

  /** The same of an action upon another account. */
  textOn(targetUserId: string): string {
    return this.#render(`,"target":{"id":"${targetUserId}"}`, '', '');
  }

  /** Fields of `portal` that a login shows: how it was made, and how old the account is. */
  loginDetail(): string {
    const { signIn, createdAt, createdBy } = this.identity;
    const creator = createdBy === undefined ? '' : `,"created_by":"${createdBy}"`;
    return (
      `,"auth":{"idp_id":"${signIn.idpId}","acr":"${signIn.acr}","amr":${JSON.stringify(signIn.amr)}},` +
      `"account":{"created_at":"${createdAt}"${creator}}`
    );
  }

  #render(target: string, name: string, origin: string): string {
    const { userId, role, organisation } = this.identity;
    return (
      `"user":{"id":"${userId}","roles":["${role}"]${target}},"organization":{"id":"${organisation.id}"${name}},` +
      `"source":{"ip":"${this.network.ip}"${origin}},${this.#portal}`
    );
  }
}

/** Eight hex digits. */
export function hex32(word: number): string {
  return word.toString(16).padStart(8, '0');
}
