/**
 * The benign background: the ordinary traffic of the portals, in which an incident hides.
 *
 * Who is in it: cast.ts. When they work: day-shape.ts. What they do on a day: habits.ts.
 *
 * Sourced: advisers see 25 to 40 distinct persons a day, 80 to 90 % of them from their caseload, and return
 * to the same persons; training organisations see 3 a day, with bursts of 10 to 30 when a session starts;
 * account managers (RGC) create and grant at most a few times a month, with bursts of 5 to 15 when a team
 * joins (off unless asked for: `onboarding`); the helpdesk resets about 1 % of the accounts a week, most on
 * Monday morning.
 * Assumed: negative binomial days (dispersion 2.2 between days, 6 between accounts; together the busiest 1 %
 * of adviser-days exceed about 120 persons); a search shows counts, not records, so it names nobody; 78 % of
 * sessions come from the office, 20 % from home, 1.5 % from a mobile line, 0.5 % through a VPN at a hosting
 * company; a newly created colleague starts working after the replay.
 *
 * Guarantees: what an account does does not depend on the other accounts (event ids and response sizes are
 * drawn in the order of writing); no account opens more than 144
 * records in an hour; without `onboarding` no account creates two accounts within 48 hours. Memory: one
 * day's plan and one session per account.
 */

import type { Account, Cast, RoleName, RoleProfile } from './cast.ts';
import { REGISTER_SIZE, ROLES, structuresOf } from './cast.ts';
import { HOUR_MS, isWorkingDay, parisDayOf, parisTime, SECOND_MS, weekdayOf, weekOf } from './calendar.ts';
import { DayPlan, KIND } from './day-plan.ts';
import { WEEKEND_PRESENCE, WEEKEND_VOLUME } from './day-shape.ts';
import type { EventStream } from './event-stream.ts';
import type { EventWriter } from './event-writer.ts';
import {
  ACTIONS,
  createdDetail,
  grantedDetail,
  resetDetail,
  scopeFragment,
  writePerson,
  writePlainDetail,
  writeRecordCount,
  writeScope,
} from './event-writer.ts';
import { Habits, meanEventsPerWorkingDay } from './habits.ts';
import type { Random } from './random.ts';
import { Permutation } from './random.ts';
import type { Network } from './session.ts';
import { hostingNetwork, homeNetwork, Session } from './session.ts';

export interface BenignOptions {
  /** First and last instant, ms since the epoch: events in [start, end). */
  readonly start: number;
  readonly end: number;
  /** Onboarding bursts per week among all account managers. */
  readonly onboarding: number;
}

/** Actions that concern no other account, and need no login. */
const PLAIN_ACTIONS = {
  [KIND.logout]: ACTIONS.logout,
  [KIND.search]: ACTIONS.recordSearch,
  [KIND.view]: ACTIONS.recordView,
  [KIND.download]: ACTIONS.documentDownload,
  [KIND.list]: ACTIONS.recordList,
} as const;

const GRANTED_SCOPES = ['i-milo.dossier.read', 'i-milo.agenda.write'] as const;

export class BenignStream implements EventStream {
  readonly #options: BenignOptions;
  readonly #cast: Cast;
  readonly #habits: Habits;
  readonly #ids: Random;
  readonly #sizes: Random;
  readonly #logins: Random;
  readonly #networks: Random;
  readonly #bursts: Random;
  readonly #plan = new DayPlan();
  readonly #sessions: (Session | undefined)[] = [];
  /** Positions in the cast. */
  readonly #helpdesk: readonly number[];
  readonly #managers: readonly number[];
  /** By role, then by structure: the end of a record's detail. */
  readonly #viewScopes = new Map<RoleProfile, readonly Uint8Array[]>();
  readonly #documentScopes = new Map<RoleProfile, readonly Uint8Array[]>();
  #day: number;

  constructor(random: Random, cast: Cast, options: BenignOptions) {
    this.#options = options;
    this.#cast = cast;
    const own = random.split('benign');
    this.#ids = own.split('event-ids');
    this.#sizes = own.split('sizes');
    this.#logins = own.split('logins');
    this.#networks = own.split('networks');
    this.#bursts = own.split('onboarding');
    this.#habits = new Habits(own.split('habits'), registersOf(random));
    this.#helpdesk = positionsOf(cast, 'helpdesk');
    this.#managers = positionsOf(cast, 'rgc');
    for (const profile of Object.values(ROLES)) {
      const scopes = (sensitivity: readonly string[]) =>
        structuresOf(profile.structurePrefix).map((structure) => scopeFragment([structure], sensitivity));
      this.#viewScopes.set(profile, scopes(profile.sensitivity));
      this.#documentScopes.set(profile, scopes([...profile.sensitivity, 'document']));
    }
    // Overseas evenings of the day before reach into the first day.
    this.#day = parisDayOf(options.start) - 2;
    this.#fill();
  }

  get time(): number {
    return this.#plan.time;
  }

  next(out: EventWriter): void {
    const { kind, time, actor } = this.#plan;
    const account = this.#cast.accounts[actor]!;
    switch (kind) {
      case KIND.login: {
        const session = this.#login(actor, time);
        out.begin(time, this.#ids, ACTIONS.login, account.userId);
        out.text(session.loginText());
        writePlainDetail(out, 2048, session.loginDetail());
        break;
      }
      case KIND.loginFailure:
        out.begin(time, this.#ids, ACTIONS.loginFailure, account.userId);
        out.fragment(Session.attempt(account, this.#networkAt(account, time), time).fragment);
        writePlainDetail(out, 512);
        break;
      case KIND.reset:
        this.#writeReset(out, account);
        break;
      case KIND.create:
      case KIND.grant:
        this.#writeGrant(out, account, kind);
        break;
      default:
        out.begin(time, this.#ids, PLAIN_ACTIONS[kind], account.userId);
        out.fragment(this.#sessionOf(actor, time).fragment);
        this.#writeDetail(out, account, kind);
    }
    out.end();
    this.#plan.advance();
    if (this.#plan.time === Infinity) this.#fill();
  }

  /** Plans days until one has events or the end is reached. */
  #fill(): void {
    const { start, end, onboarding } = this.#options;
    while (this.#plan.time === Infinity) {
      this.#plan.nextDay();
      this.#day++;
      if (parisTime(this.#day) >= end) return;
      this.#cast.accounts.forEach((account, i) => this.#habits.plan(this.#plan, i, account, this.#day));
      if (onboarding > 0) this.#planBursts(this.#day, onboarding);
      this.#plan.sort(start, Math.min(end, parisTime(this.#day + 1)));
    }
  }

  #planBursts(day: number, perWeek: number): void {
    if (!isWorkingDay(day) || this.#managers.length === 0) return;
    for (let i = 0; i < perWeek; i++) {
      const random = this.#bursts.at(weekOf(day), i);
      const actor = random.pick(this.#managers);
      if (random.below(5) === weekdayOf(day)) {
        this.#habits.planOnboarding(this.#plan, random, actor, parisTime(day));
      }
    }
  }

  /** The account's open session; at the edge of the replay one that was opened before it. */
  #sessionOf(actor: number, time: number): Session {
    return this.#sessions[actor] ?? this.#login(actor, time);
  }

  #login(actor: number, time: number): Session {
    const account = this.#cast.accounts[actor]!;
    const random = this.#logins.at(account.index, Math.floor(time / SECOND_MS));
    const session = Session.open(account, this.#networkAt(account, time), time, random);
    this.#sessions[actor] = session;
    return session;
  }

  /** People stay where they are: within the same hour every login comes from the same network. */
  #networkAt(account: Account, time: number): Network {
    return networkOf(account, this.#networks.at(account.index, Math.floor(time / HOUR_MS)));
  }

  #writeDetail(out: EventWriter, account: Account, kind: keyof typeof PLAIN_ACTIONS): void {
    const { object, scope, pages } = this.#plan;
    const { profile } = account;
    const structure = scope === 0 ? account.structureIndex : scope - 1;
    switch (kind) {
      case KIND.view:
      case KIND.download: {
        const document = kind === KIND.download;
        const bytes = document ? 600_000 + this.#sizes.below(800_000) : 12_000 + this.#sizes.below(12_000);
        const shown = (document ? this.#documentScopes : this.#viewScopes).get(profile)![structure]!;
        writeRecordCount(out, 1);
        writePerson(out, profile.register, 0, object);
        writeScope(out, scope === 0 ? 0 : 1, shown, bytes);
        break;
      }
      case KIND.list: {
        const page = pages[object]!;
        writeRecordCount(out, page.length);
        page.forEach((person, i) => writePerson(out, profile.register, i, person));
        writeScope(out, 0, this.#viewScopes.get(profile)![structure]!, 700 * page.length);
        break;
      }
      case KIND.search:
        writePlainDetail(out, 4_000 + this.#sizes.below(8_000));
        break;
      case KIND.logout:
        writePlainDetail(out, 512);
        break;
    }
  }

  /** The helpdesk resets the password; where there is no helpdesk the account does it by e-mail. */
  #writeReset(out: EventWriter, account: Account): void {
    const { object, time } = this.#plan;
    const operator = this.#helpdesk[object % Math.max(1, this.#helpdesk.length)];
    const session =
      operator === undefined
        ? Session.attempt(account, this.#networkAt(account, time), time)
        : this.#sessionOf(operator, time);
    out.begin(time, this.#ids, ACTIONS.passwordReset, session.userId);
    out.text(session.textOn(account.userId));
    writePlainDetail(out, 512, resetDetail(operator === undefined ? undefined : session.userId));
  }

  #writeGrant(out: EventWriter, account: Account, kind: typeof KIND.create | typeof KIND.grant): void {
    const { object, scope, time, actor } = this.#plan;
    const created = kind === KIND.create;
    const session = this.#sessionOf(actor, time);
    out.begin(time, this.#ids, created ? ACTIONS.accountCreate : ACTIONS.habilitationGrant, account.userId);
    out.text(session.textOn(this.#cast.userId(`hire ${object}`)));
    const organisationId = account.organisation.id;
    const detail = created
      ? createdDetail(time, account.userId, organisationId)
      : grantedDetail(GRANTED_SCOPES[scope]!, organisationId);
    writePlainDetail(out, 1024, detail);
  }
}

/** The orders in which the registers number their persons. */
export function registersOf(random: Random): Readonly<Record<'p' | 'j', Permutation>> {
  return {
    p: new Permutation(random.split('register p'), REGISTER_SIZE.p),
    j: new Permutation(random.split('register j'), REGISTER_SIZE.j),
  };
}

function positionsOf(cast: Cast, role: RoleName): readonly number[] {
  return cast.accounts.flatMap((account, i) => (account.role === role ? [i] : []));
}

/** Where an account logs in from. */
function networkOf(account: Account, random: Random): Network {
  const x = random.float();
  const { egressIp: ip, asNumber } = account.organisation;
  const place =
    x < 0.78
      ? { ip, asNumber }
      : x < 0.98
        ? homeNetwork(account.index)
        : x < 0.995
          ? homeNetwork(random.u32())
          : hostingNetwork(random);
  return { ...place, userAgent: account.userAgent };
}

/** Mean number of events, for progress bars. */
export function estimateBenign(cast: Cast, options: BenignOptions): number {
  let perDay = 0;
  for (const account of cast.accounts) perDay += meanEventsPerWorkingDay(account);
  let events = 0;
  for (let day = parisDayOf(options.start); parisTime(day) < options.end; day++) {
    const from = Math.max(options.start, parisTime(day));
    const share = (Math.min(options.end, parisTime(day + 1)) - from) / (parisTime(day + 1) - parisTime(day));
    events += perDay * share * (isWorkingDay(day) ? 1 : WEEKEND_PRESENCE * WEEKEND_VOLUME);
  }
  return Math.round(events);
}
