/**
 * Where accounts are when they log in: at the office, at home, on a mobile line, behind a VPN.
 *
 * Assumed for professionals: 78 % of logins from the office, 20 % from home, 1.5 % from a mobile line, 0.5 % through a
 * VPN at a hosting company. Mobile carriers put many people behind one address (CGNAT): here 500 neighbours share ten
 * addresses, the busiest of which takes a fifth of their sessions.
 */

import type { Account } from './cast.ts';
import { MAX_ACCOUNTS } from './cast.ts';
import type { Random } from './random.ts';
import type { Network } from './session.ts';
import { homeNetwork, hostingNetwork, mobileNetwork, PHONE } from './session.ts';

/** Where a planned login happens; `usual`: drawn, and constant within an hour. */
export const PLACE = { usual: 0, office: 1, home: 2, mobile: 3 } as const;
export type Place = (typeof PLACE)[keyof typeof PLACE];

const MOBILE_NEIGHBOURS = 500;
const MOBILE_ADDRESSES = 10;

/** The network of an account at a place; `sites`: organisations that share a site have one address. */
export function networkOf(account: Account, place: Place, random: Random, sites: boolean): Network {
  const at = place === PLACE.usual ? drawPlace(account, random) : place;
  const userAgent = account.role === 'demandeur' && at === PLACE.mobile ? PHONE : account.userAgent;
  switch (at) {
    case PLACE.office:
      return { ...officeOf(account, sites), userAgent };
    case PLACE.home:
      return { ...homeNetwork(account.index), userAgent };
    case PLACE.mobile:
      return { ...mobileLine(account, random), userAgent };
    case 'vpn':
      return { ...hostingNetwork(random), userAgent };
  }
}

/** The same account's telephone. */
export function phoneOf(account: Account, random: Random): Network {
  return { ...mobileLine(account, random), userAgent: PHONE };
}

/** The address of an account's office. */
export function officeOf(
  { organisation }: Pick<Account, 'organisation'>,
  sites: boolean,
): { readonly ip: string; readonly asNumber: number } {
  const { siteIp, siteAsNumber, egressIp, asNumber } = organisation;
  return sites && siteIp !== undefined && siteAsNumber !== undefined
    ? { ip: siteIp, asNumber: siteAsNumber }
    : { ip: egressIp, asNumber };
}

function drawPlace(account: Account, random: Random): Exclude<Place, 0> | 'vpn' {
  const x = random.float();
  if (account.role === 'service') return PLACE.office;
  if (account.role === 'demandeur') return x < 0.55 ? PLACE.home : PLACE.mobile;
  return x < 0.78 ? PLACE.office : x < 0.98 ? PLACE.home : x < 0.995 ? PLACE.mobile : 'vpn';
}

function mobileLine(account: Account, random: Random): { readonly ip: string; readonly asNumber: number } {
  const neighbours = Math.floor((account.index % MAX_ACCOUNTS) / MOBILE_NEIGHBOURS);
  const u = random.float();
  return mobileNetwork(MOBILE_ADDRESSES * neighbours + Math.floor(MOBILE_ADDRESSES * u * Math.sqrt(u)));
}
