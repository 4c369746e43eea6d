/**
 * Who acts, and from where: accounts, networks, and the session parts of events.
 *
 * All addresses are from ranges that nobody owns (RFC 2544, RFC 6598, RFC 5737), all AS numbers are private or reserved
 * for documentation, and organisation numbers have 14 digits like a SIRET but a wrong check digit: no generated event
 * can point at a real person, organisation or network.
 */

import { DAY_MS } from './calendar.ts';
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
  /** Address of the site shared with other organisations, if the replay has such sites. */
  readonly siteIp?: string;
  readonly siteAsNumber?: number;
}

/** For people who act for themselves; their events show no organisation. */
export const NO_ORGANISATION: Organisation = { id: '', name: '', department: '', egressIp: '', asNumber: 0 };

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
  /** ISO 3166-1 alpha-2. Default: FR. */
  readonly country?: string;
}

/** Events of younger accounts say when and by whom the account was created; for older ones only logins do. */
const YOUNG_ACCOUNT_MS = 90 * DAY_MS;

const BROWSERS: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64) Edg/138.0',
  'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0',
  'Mozilla/5.0 (Windows NT 10.0) Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0) Chrome/138.0',
  'Mozilla/5.0 (Macintosh) Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64) Chrome/138.0',
];

/** A telephone’s browser. */
export const PHONE = 'Mozilla/5.0 (Linux; Android 15) Chrome/138.0 Mobile';
/** The client of unattended accounts. */
export const SYNC_CLIENT = 'sync-client/4.2';

/** Weighted so that Windows is the rule and Linux rare, as in offices. */
export function browser(random: Random): string {
  const x = random.float();
  return BROWSERS[x < 0.45 ? 0 : x < 0.7 ? 1 : x < 0.8 ? 2 : x < 0.94 ? 3 : x < 0.98 ? 4 : 5]!;
}

/** 13 random digits and a check digit that is off by one (Luhn). */
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

/** Home line: 100.64.0.0 to 100.111.255.255 (RFC 6598), one of eight operators. `n` numbers the lines. */
export function homeNetwork(n: number): { readonly ip: string; readonly asNumber: number } {
  const low = mix32(n) % 3_145_728;
  return {
    ip: `100.${64 + (low >> 16)}.${(low >> 8) & 255}.${low & 255}`,
    asNumber: 64_600 + (mix32(n + 1) % 8),
  };
}

/**
 * Mobile line: 100.112.0.0/12 (RFC 6598), one of four carriers, which put many lines behind one address. `n` numbers
 * the addresses.
 */
export function mobileNetwork(n: number): { readonly ip: string; readonly asNumber: number } {
  const low = n % 1_048_576;
  return {
    ip: `100.${112 + (low >> 16)}.${(low >> 8) & 255}.${low & 255}`,
    asNumber: 64_608 + (mix32(n >> 4) % 4),
  };
}

/** Autonomous systems of hosting companies and VPN providers. */
export const HOSTING_AS_NUMBERS: readonly number[] = [64_496, 64_497, 64_498, 64_499, 64_500, 64_501];

/** Hourly rented server or VPN exit: 203.0.113.0/24 and 198.51.100.0/24 (RFC 5737). */
export function hostingNetwork(random: Random): { readonly ip: string; readonly asNumber: number } {
  const prefix = random.chance(0.5) ? '203.0.113' : '198.51.100';
  return { ip: `${prefix}.${random.between(1, 254)}`, asNumber: random.pick(HOSTING_AS_NUMBERS) };
}

/**
 * One account on one network, as events show it: an open session, or an attempt that opened none. `fragment`, shared by
 * all its events, is encoded once; the other forms are for the rare events that show more.
 */
export class Session {
  readonly identity: Identity;
  readonly network: Network;
  /** Empty for an attempt. */
  readonly id: string;
  /** ms since the epoch; for an attempt, its own time. */
  readonly startedAt: number;
  #fragment: Uint8Array | undefined;

  private constructor(identity: Identity, network: Network, id: string, startedAt: number) {
    this.identity = identity;
    this.network = network;
    this.id = id;
    this.startedAt = startedAt;
  }

  /** Opens a session at `startedAt` (ms since the epoch). */
  static open(identity: Identity, network: Network, startedAt: number, random: Random): Session {
    const id = `s-${hex32(random.u32())}${hex32(random.u32()).slice(4)}`;
    return new Session(identity, network, id, startedAt);
  }

  /** A login attempt at `time` (ms since the epoch), before there is a session. */
  static attempt(identity: Identity, network: Network, time: number): Session {
    return new Session(identity, network, '', time);
  }

  /** The same session, used from another network or user agent. */
  movedTo(network: Network): Session {
    return new Session(this.identity, network, this.id, this.startedAt);
  }

  /** From `"user":{` on; the `portal` object is left open. */
  get fragment(): Uint8Array {
    if (this.#fragment === undefined) {
      const young = this.startedAt - Date.parse(this.identity.createdAt) < YOUNG_ACCOUNT_MS;
      this.#fragment = encoded(this.#render('', '', '') + (young ? this.#accountDetail() : ''));
    }
    return this.#fragment;
  }

  get userId(): string {
    return this.identity.userId;
  }

  /** What a login shows instead of `fragment`: adds the organisation's name and the country. */
  loginText(): string {
    const name = `,"name":${JSON.stringify(this.identity.organisation.name)}`;
    return this.#render('', name, `,"geo":{"country_iso_code":"${this.network.country ?? 'FR'}"}`);
  }

  /** What an action on another account shows instead of `fragment`. */
  textOn(targetUserId: string): string {
    return this.#render(`,"target":{"id":"${targetUserId}"}`, '', '');
  }

  /** The fields of `portal` that a login shows: the kind of sign-in, and the age of the account. */
  loginDetail(): string {
    const { idpId, acr, amr } = this.identity.signIn;
    const auth = `,"auth":{"idp_id":"${idpId}","acr":"${acr}","amr":${JSON.stringify(amr)}}`;
    return auth + this.#accountDetail();
  }

  #accountDetail(): string {
    const { createdAt, createdBy } = this.identity;
    const creator = createdBy === undefined ? '' : `,"created_by":"${createdBy}"`;
    return `,"account":{"created_at":"${createdAt}"${creator}}`;
  }

  #render(target: string, name: string, geo: string): string {
    const { userId, role, organisation, signIn } = this.identity;
    const { ip, asNumber, userAgent } = this.network;
    const belongsTo = organisation.id === '' ? '' : `"organization":{"id":"${organisation.id}"${name}},`;
    const session =
      this.id === '' ? '' : `,"session":{"id":"${this.id}","started_at":"${isoTime(this.startedAt)}"}`;
    return (
      `"user":{"id":"${userId}","roles":["${role}"]${target}},${belongsTo}` +
      `"source":{"ip":"${ip}","as":{"number":${asNumber}}${geo}},` +
      `"user_agent":{"original":"${userAgent}"},"service":{"name":"${signIn.application}"},` +
      `"portal":{"app":{"lifecycle":"${signIn.lifecycle}"}${session}`
    );
  }
}

/** Eight hex digits. */
export function hex32(word: number): string {
  return word.toString(16).padStart(8, '0');
}
