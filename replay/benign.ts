/**
 * The benign background: the ordinary traffic of the portals, in which an incident hides.
 *
 * Who is in it: cast.ts and roles.ts. When they work: day-shape.ts. What they do on a day: habits.ts, visits.ts,
 * jobseekers.ts, services.ts. Who joins: hires.ts. From where: places.ts. What looks like a theft: confounders.ts. This
 * file turns the plan into events.
 *
 * Guarantees: what an account does does not depend on the other accounts (event ids and response sizes are drawn in
 * writing order), and depends on a confounder only on the days it falls on. Memory: one day's plan and one session per
 * account, and the labels of confounders.
 */

import type { Account, Cast } from './cast.ts';
import { structuresOf } from './cast.ts';
import { HOUR_MS, isWorkingDay, parisDayOf, parisOffsetMs, parisTime, SECOND_MS } from './calendar.ts';
import type { ConfounderChoice } from './confounders.ts';
import { TAG } from './confounders.ts';
import { DayPlan, KIND } from './day-plan.ts';
import { isDeclarationPeak } from './day-shape.ts';
import type { EventStream } from './event-stream.ts';
import type { EventWriter } from './event-writer.ts';
import {
  ACTIONS,
  createdDetail,
  grantedDetail,
  resetDetail,
  scopeFragment,
  writePerson,
  writePersons,
  writePlainDetail,
  writeRecordCount,
  writeScope,
} from './event-writer.ts';
import { Habits, meanEvents } from './habits.ts';
import type { Hire } from './hires.ts';
import type { ConfounderRecorder } from './labels.ts';
import type { Place } from './places.ts';
import { networkOf, officeOf, PLACE, phoneOf } from './places.ts';
import type { Permutation, Random } from './random.ts';
import type { Register } from './event-writer.ts';
import type { RoleName, RoleProfile } from './roles.ts';
import { ROLES } from './roles.ts';
import type { Network } from './session.ts';
import { Session } from './session.ts';

export interface BenignOptions {
  /** Events lie in [start, end), ms since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly choice: ConfounderChoice;
}

/** What the background is made from. */
export interface Country {
  readonly cast: Cast;
  readonly hires: readonly Hire[];
  readonly registers: Readonly<Record<Register, Permutation>>;
  readonly label: ConfounderRecorder;
}

/** Actions that concern no other account and perform no login. */
const PLAIN_ACTIONS = {
  [KIND.logout]: ACTIONS.logout,
  [KIND.search]: ACTIONS.recordSearch,
  [KIND.view]: ACTIONS.recordView,
  [KIND.phoneView]: ACTIONS.recordView,
  [KIND.download]: ACTIONS.documentDownload,
  [KIND.list]: ACTIONS.recordList,
  [KIND.export]: ACTIONS.recordExport,
} as const;

const GRANTED_SCOPES = ['i-milo.dossier.read', 'i-milo.agenda.write'] as const;
/** A session can move to the office at most this long after its login. */
const MOVE_WITHIN_MS = HOUR_MS;

export class BenignStream implements EventStream {
  readonly #options: BenignOptions;
  readonly #cast: Cast;
  readonly #label: ConfounderRecorder;
  readonly #habits: Habits;
  readonly #ids: Random;
  readonly #sizes: Random;
  readonly #logins: Random;
  readonly #networks: Random;
  readonly #plan = new DayPlan();
  readonly #sites: boolean;
  readonly #sessions: (Session | undefined)[] = [];
  /** Sessions on a second device. */
  readonly #phones = new Map<number, Session>();
  /** Positions in the cast. */
  readonly #helpdesk: readonly number[];
  readonly #hiresByDay = new Map<number, Hire[]>();
  /** By role, then by structure: the end of a record's detail. */
  readonly #viewScopes = new Map<RoleProfile, readonly Uint8Array[]>();
  readonly #documentScopes = new Map<RoleProfile, readonly Uint8Array[]>();
  #day: number;

  constructor(random: Random, country: Country, options: BenignOptions) {
    const { cast, hires, registers, label } = country;
    this.#options = options;
    this.#cast = cast;
    this.#label = label;
    this.#sites = options.choice.names.has('shared-egress');
    const own = random.split('benign');
    this.#ids = own.split('event-ids');
    this.#sizes = own.split('sizes');
    this.#logins = own.split('logins');
    this.#networks = own.split('networks');
    this.#habits = new Habits(own.split('habits'), registers, options.choice);
    this.#helpdesk = positionsOf(cast, 'helpdesk');
    for (const hire of hires) {
      const day = parisDayOf(hire.time);
      this.#hiresByDay.set(day, [...(this.#hiresByDay.get(day) ?? []), hire]);
    }
    for (const profile of Object.values(ROLES)) {
      const scopes = (sensitivity: readonly string[]) =>
        structuresOf(profile.structurePrefix).map((structure) => scopeFragment([structure], sensitivity));
      this.#viewScopes.set(profile, scopes(profile.sensitivity));
      this.#documentScopes.set(profile, scopes([...profile.sensitivity, 'document']));
    }
    // Overseas evenings of the previous day extend into the first day.
    this.#day = parisDayOf(options.start) - 2;
    this.#fill();
  }

  get time(): number {
    return this.#plan.time;
  }

  next(out: EventWriter): void {
    const { kind, time, actor, object, scope } = this.#plan;
    const account = this.#cast.accounts[actor]!;
    let tags = 0;
    switch (kind) {
      case KIND.login:
        this.#writeLogin(out, this.#login(actor, time, object as Place, scope));
        break;
      case KIND.phoneLogin:
        this.#writeLogin(out, this.#loginOnPhone(actor, time, scope));
        break;
      case KIND.loginFailure:
        out.begin(time, this.#ids, ACTIONS.loginFailure, account.userId);
        out.fragment(Session.attempt(account, this.#networkAt(account, time), time).fragment);
        writePlainDetail(out, 512);
        tags = scope;
        break;
      case KIND.reset:
        this.#writeReset(out, account);
        tags = scope;
        break;
      case KIND.create:
      case KIND.grant:
        this.#writeGrant(out, account, kind);
        tags = scope;
        break;
      case KIND.move:
        throw new Error('a move is no event');
      default: {
        const phone = kind === KIND.phoneView ? this.#phones.get(actor) : undefined;
        out.begin(time, this.#ids, PLAIN_ACTIONS[kind], account.userId);
        out.fragment((phone ?? this.#sessionOf(actor, time)).fragment);
        this.#writeDetail(out, account, kind);
        if (kind === KIND.export) tags = scope;
      }
    }
    out.end();
    if (tags !== 0) this.#label.noteEvent(tags, out, account.userId);
    this.#plan.advance();
    this.#fill();
  }

  /** Advances to the next event: carries out moves, and plans days until one has events or the end is reached. */
  #fill(): void {
    const { start, end } = this.#options;
    for (;;) {
      while (this.#plan.time < Infinity && this.#plan.kind === KIND.move) {
        this.#move(this.#plan.actor, this.#plan.time);
        this.#plan.advance();
      }
      if (this.#plan.time < Infinity) return;
      this.#plan.nextDay();
      this.#day++;
      if (parisTime(this.#day) >= end) return;
      this.#cast.accounts.forEach((account, i) => this.#habits.plan(this.#plan, i, account, this.#day));
      for (const hire of this.#hiresByDay.get(this.#day) ?? []) planHire(this.#plan, hire);
      this.#plan.sort(start, Math.min(end, parisTime(this.#day + 1)));
    }
  }

  /** The account's open session; at the start of the replay, one opened before it. */
  #sessionOf(actor: number, time: number): Session {
    return this.#sessions[actor] ?? this.#login(actor, time, PLACE.usual, 0);
  }

  #login(actor: number, time: number, place: Place, tags: number): Session {
    const account = this.#cast.accounts[actor]!;
    const network = this.#networkAt(account, time, place);
    const session = Session.open(account, network, time, this.#drawsAt(account, time));
    this.#sessions[actor] = session;
    this.#label.noteSession(tags | this.#tagsOf(account, network, time), session);
    return session;
  }

  #loginOnPhone(actor: number, time: number, tags: number): Session {
    const account = this.#cast.accounts[actor]!;
    const random = this.#drawsAt(account, time);
    const session = Session.open(account, phoneOf(account, random), time, random);
    this.#phones.set(actor, session);
    this.#label.noteSession(tags, session);
    return session;
  }

  #drawsAt(account: Account, time: number): Random {
    return this.#logins.at(account.index, Math.floor(time / SECOND_MS));
  }

  /** The session that began on a mobile line continues at the office. */
  #move(actor: number, time: number): void {
    const session = this.#sessions[actor];
    if (session === undefined || time - session.startedAt > MOVE_WITHIN_MS) return;
    const account = this.#cast.accounts[actor]!;
    const { ip, asNumber } = officeOf(account, this.#sites);
    this.#sessions[actor] = session.movedTo({ ip, asNumber, userAgent: account.userAgent });
  }

  /** Confounders that a session counts as because of where and when it is opened. */
  #tagsOf(account: Account, network: Network, time: number): number {
    let tags = 0;
    if (this.#sites && network.ip === account.organisation.siteIp) tags |= TAG['shared-egress'];
    if (account.zoneOffsetMs !== undefined) {
      const hour = new Date(time + parisOffsetMs(time)).getUTCHours();
      if (hour < 7 || hour >= 19) tags |= TAG['overseas-hours'];
    }
    return tags;
  }

  /** People stay where they are: within an hour, every login comes from the same network. */
  #networkAt(account: Account, time: number, place: Place = PLACE.usual): Network {
    const random = this.#networks.at(account.index, Math.floor(time / HOUR_MS));
    return networkOf(account, place, random, this.#sites);
  }

  #writeLogin(out: EventWriter, session: Session): void {
    out.begin(session.startedAt, this.#ids, ACTIONS.login, session.userId);
    out.text(session.loginText());
    writePlainDetail(out, 2048, session.loginDetail());
  }

  #writeDetail(out: EventWriter, account: Account, kind: keyof typeof PLAIN_ACTIONS): void {
    const { object, scope, pages } = this.#plan;
    const { profile } = account;
    switch (kind) {
      case KIND.view:
      case KIND.phoneView:
      case KIND.download: {
        const document = kind === KIND.download;
        const structure = scope === 0 ? account.structureIndex : scope - 1;
        const bytes = document ? 600_000 + this.#sizes.below(800_000) : 12_000 + this.#sizes.below(12_000);
        const shown = (document ? this.#documentScopes : this.#viewScopes).get(profile)![structure]!;
        writeRecordCount(out, 1);
        writePerson(out, profile.register, object);
        writeScope(out, scope === 0 ? 0 : 1, shown, bytes);
        break;
      }
      case KIND.list:
      case KIND.export: {
        const page = pages[object]!;
        writeRecordCount(out, page.length);
        writePersons(out, profile.register, page);
        writeScope(out, 0, this.#viewScopes.get(profile)![account.structureIndex]!, 700 * page.length);
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

  /** The helpdesk resets the password. Jobseekers, or everyone if there is no helpdesk, reset it by e-mail. */
  #writeReset(out: EventWriter, account: Account): void {
    const { object, time } = this.#plan;
    const operator =
      account.role === 'demandeur' ? undefined : this.#helpdesk[object % Math.max(1, this.#helpdesk.length)];
    const session =
      operator === undefined
        ? Session.attempt(account, this.#networkAt(account, time), time)
        : this.#sessionOf(operator, time);
    out.begin(time, this.#ids, ACTIONS.passwordReset, session.userId);
    out.text(session.textOn(account.userId));
    writePlainDetail(out, 512, resetDetail(operator === undefined ? undefined : session.userId));
  }

  #writeGrant(out: EventWriter, account: Account, kind: typeof KIND.create | typeof KIND.grant): void {
    const { object, time, actor } = this.#plan;
    const created = kind === KIND.create;
    const session = this.#sessionOf(actor, time);
    const target = this.#cast.accounts[object]!;
    out.begin(time, this.#ids, created ? ACTIONS.accountCreate : ACTIONS.habilitationGrant, account.userId);
    out.text(session.textOn(target.userId));
    const { id } = target.organisation;
    const right = GRANTED_SCOPES[time % 2]!;
    writePlainDetail(out, 1024, created ? createdDetail(time, account.userId, id) : grantedDetail(right, id));
  }
}

function planHire(plan: DayPlan, { time, creator, hired, grants, tags, opens }: Hire): void {
  if (opens) plan.add(time - 2 * 60 * SECOND_MS, KIND.login, creator);
  plan.add(time, KIND.create, creator, hired, tags);
  for (let i = 1; i <= grants; i++) plan.add(time + i * 20 * SECOND_MS, KIND.grant, creator, hired, tags);
}

function positionsOf(cast: Cast, role: RoleName): readonly number[] {
  return cast.accounts.flatMap((account, i) => (account.role === role ? [i] : []));
}

/** Mean number of events, for progress bars. */
export function estimateBenign(cast: Cast, options: BenignOptions): number {
  const { start, end, choice } = options;
  const perDay = new Map<string, number>();
  let events = 0;
  for (let day = parisDayOf(start); parisTime(day) < end; day++) {
    const from = Math.max(start, parisTime(day));
    const share = (Math.min(end, parisTime(day + 1)) - from) / (parisTime(day + 1) - parisTime(day));
    const working = isWorkingDay(day);
    const peak = choice.names.has('month-end-peak') && isDeclarationPeak(day);
    const key = `${working} ${peak}`;
    let all = perDay.get(key);
    if (all === undefined) {
      all = cast.accounts.reduce((sum, account) => sum + meanEvents(account, working, peak), 0);
      perDay.set(key, all);
    }
    events += all * share;
  }
  return Math.round(events);
}
