/**
 * A theft through accounts that read other people's records: the accounts are taken over one by one, each with its
 * story, then share the reads. What differs between incidents is in a `TheftProfile`.
 *
 * The story of an account, with every step optional but the login: wrong passwords · the helpdesk is talked into a
 * reset · a login from a network the account never used · the owner, given the new password, logs in too · searches ·
 * reads, with new logins when sessions end. Steps are laid out backwards from the first read, so that it happens at the
 * requested time.
 */

import { HOUR_MS, MINUTE_MS } from '../calendar.ts';
import type { Account, RoleName } from '../cast.ts';
import { ROLES } from '../cast.ts';
import type { TheftOptions } from './theft-options.ts';
import { optionsClash } from '../options.ts';
import type { Random } from '../random.ts';
import type { Network, SignIn } from '../session.ts';
import { browser, hostingNetwork, Session } from '../session.ts';
import type { Reader, ReadsOptions } from './bulk-reads.ts';
import { BulkReads, eventsOf } from './bulk-reads.ts';
import type { BuiltIncident, World } from './incident.ts';
import { stamped } from './incident.ts';
import type { TheftDefaults, TheftPlan } from './schedule.ts';
import { endOfStretch, planTheft, stepBefore } from './schedule.ts';
import { Story } from './story.ts';
import type { Takers } from './takings.ts';

export interface TheftProfile {
  readonly scenario: string;
  readonly defaults: TheftDefaults;
  readonly role: RoleName;
  readonly department: string;
  /** How the taken accounts sign in, where this differs from the role. */
  readonly signIn?: Partial<SignIn>;
  /** True if every account belongs to its own organisation. Default: all belong to one. */
  readonly ownOrganisations?: boolean;
  /** Average bytes of a row of a list. Default 700. */
  readonly rowBytes?: number;
  /** Wrong passwords per account, within the hour before the first step. */
  readonly failures: number;
  readonly searches: number;
  /** From login to first read. */
  readonly loginToReadMs: number;
  /** The helpdesk resets the password this long before the login; undefined: no reset. */
  readonly resetToLoginMs?: number;
  /** The owner logs in 12 to 22 minutes after the reset. */
  readonly ownerReturns?: boolean;
  /** How long a session lives; the reader then logs in again. */
  readonly sessionMs: number;
  /** Number of networks that the accounts share. Default: one each. */
  readonly networks?: number;
}

/** One account in the attacker's hands. */
interface TakenAccount extends Reader {
  readonly account: Account;
  readonly network: Network;
  readonly loginAt: number;
}

export interface Theft {
  readonly plan: TheftPlan;
  readonly story: Story;
  readonly taken: readonly TakenAccount[];
  readonly draws: Random;
}

/** Takes over all accounts. `start`: the first read, by the clock that stamps the events. */
export function takeAccounts(
  world: World,
  options: TheftOptions,
  profile: TheftProfile,
  start: number,
): Theft {
  const plan = planTheft(profile.scenario, options, profile.defaults, start);
  const { schedule } = plan;
  const hours = storyHours(options);
  const story = new Story(world);
  const draws = world.random.split('story');
  const networks = Array.from({ length: profile.networks ?? options.accomplices + 1 }, () => ({
    ...hostingNetwork(draws),
    userAgent: browser(draws),
  }));
  const taken = Array.from({ length: options.accomplices + 1 }, (_, i): TakenAccount => {
    const account = addAccount(world, profile, i);
    const network = networks[i % networks.length]!;
    const wait = options.stepWait ?? profile.loginToReadMs + draws.below(2 * MINUTE_MS);
    let loginAt = stepBefore(hours, schedule.start, wait);
    let firstStep = loginAt;
    if (profile.resetToLoginMs !== undefined) {
      const resetWait = options.stepWait ?? profile.resetToLoginMs + draws.below(2 * MINUTE_MS);
      firstStep = stepBefore('working', loginAt, resetWait);
      if (options.stepWait === undefined) loginAt = firstStep + resetWait;
      story.reset(firstStep, account, 'deceived');
      if (profile.ownerReturns === true) {
        story.ownerReturns(firstStep + 12 * MINUTE_MS + draws.below(10 * MINUTE_MS), account);
      }
    }
    story.failures(hours, firstStep, 50 * MINUTE_MS, account, network, profile.failures);
    const session = Session.open(account, network, loginAt, draws);
    story.login(loginAt, session);
    const until = Math.min(schedule.start, loginAt + HOUR_MS, endOfStretch(hours, loginAt));
    story.searches(loginAt, until, session, profile.searches);
    const reader = { session, account, network, loginAt };
    renewLogins(story, reader, schedule.renewals(loginAt, profile.sessionMs), draws);
    return reader;
  });
  return { plan, story, taken, draws };
}

/** The takers of a theft through existing accounts. */
export function takersOf({ length }: readonly unknown[], { ownOrganisations }: TheftProfile): Takers {
  return { accounts: length, organisations: ownOrganisations === true ? length : 1, creators: 0 };
}

/** When the attacker does anything but read: within working hours if the reads are, otherwise at any time. */
export function storyHours({ hours }: Pick<TheftOptions, 'hours'>): 'any' | 'working' {
  return hours === 'working' ? 'working' : 'any';
}

/** The reader logs in again at these times, and continues in the new session. */
export function renewLogins(
  story: Story,
  reader: Reader & { readonly network: Network },
  times: readonly number[],
  draws: Random,
): void {
  for (const time of times) {
    const renewed = Session.open(reader.session.identity, reader.network, time, draws);
    story.login(time, renewed, () => {
      reader.session = renewed;
    });
  }
}

function addAccount(world: World, profile: TheftProfile, i: number): Account {
  const { scenario, role, department, signIn } = profile;
  return world.cast.add({
    name: i === 0 ? scenario : `${scenario} ${i}`,
    office: profile.ownOrganisations === true ? `${scenario} ${i}` : scenario,
    role,
    department,
    ...(signIn === undefined ? {} : { signIn: { ...ROLES[role].signIn, ...signIn } }),
  });
}

/** Which records the accounts read, and how. The persons are `records` of the role's register. */
export function readsOptions(
  options: TheftOptions,
  profile: Pick<TheftProfile, 'scenario' | 'role' | 'rowBytes'>,
  plan: TheftPlan,
): ReadsOptions {
  const { register, structurePrefix, sensitivity } = ROLES[profile.role];
  return {
    ...plan,
    recordsPerEvent: options.recordsPerEvent,
    order: options.order,
    rowBytes: profile.rowBytes ?? 700,
    register,
    structurePrefix,
    sensitivity,
  };
}

/** Throws OPTION_INVALID if the register has fewer persons than are to be read. */
export function requireRegistered(
  world: World,
  { scenario, role }: Pick<TheftProfile, 'scenario' | 'role'>,
  records: number,
): void {
  const known = world.registers[ROLES[role].register].size;
  if (records <= known) return;
  throw optionsClash(
    scenario,
    `${records} records, but the register knows ${known} persons`,
    `Set --records, or --pace and --window, to at most ${known} records.`,
  );
}

/** The whole of an incident with a single wave. */
export function buildTheft(
  world: World,
  options: TheftOptions,
  profile: TheftProfile,
  start: number,
): BuiltIncident {
  const { plan, story, taken } = takeAccounts(world, options, profile, start);
  requireRegistered(world, profile, plan.records);
  const reads = readsOptions(options, profile, plan);
  const stream = new BulkReads(
    world.random.split('reads'),
    reads,
    world.registers[reads.register],
    taken,
    world.label,
  );
  return stamped(options, {
    streams: [story.stream(), stream],
    firstEventAt: story.firstEventAt,
    lastEventAt: plan.schedule.end,
    events: story.length + eventsOf(reads),
    records: reads.records,
    theft: { plans: [plan], takers: takersOf(taken, profile) },
  });
}
