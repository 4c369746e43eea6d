/**
 * Stolen credentials tested in bulk: each address works through its share of the accounts, one after the other, and
 * takes the documents of those that open.
 *
 * The accounts that open are dealt out to the addresses in turn, and each gets an equal slice of the address's time:
 * first other accounts are tried in vain, then the account is opened, then read. What happens to account i is a
 * function of (seed, i), so the owner's stream and the address's agree on the stolen session without shared state.
 * Memory: one slice per address.
 */

import { SECOND_MS } from '../calendar.ts';
import type { Account } from '../cast.ts';
import { structuresOf } from '../cast.ts';
import type { EventStream, ListedStep } from '../event-stream.ts';
import type { EventWriter } from '../event-writer.ts';
import {
  ACTIONS,
  encoded,
  scopeFragment,
  writePerson,
  writePlainDetail,
  writeRecordCount,
  writeScope,
} from '../event-writer.ts';
import type { LabelRecorder } from '../labels.ts';
import type { Permutation, Random } from '../random.ts';
import type { Network } from '../session.ts';
import { homeNetwork, Session } from '../session.ts';
import type { Schedule } from './schedule.ts';

interface CredentialTests {
  /** The accounts that open. */
  readonly accounts: readonly Account[];
  /** Number of addresses. */
  readonly sources: number;
  readonly schedule: Schedule;
  /** Share of the tested accounts that open. */
  readonly successRate: number;
  /** Share of those that are entered through their owner's session. */
  readonly stolenSessions: number;
  /** The register in which each account reads its own entry. */
  readonly persons: Permutation;
}

/** The share of one address. */
export interface SourceShare extends CredentialTests {
  /** 0 ≤ source < sources. */
  readonly source: number;
  readonly network: Network;
  /** How long before its use the owner opened a stolen session. */
  readonly lagMs: number;
  /** Id of the k-th account that is tested in vain. */
  userId(k: number): string;
}

const DOCUMENTS = 3;
/** Earliest and latest point of its slice at which an account is opened; tests of others come before. */
const OPENED_FROM = 0.2;
const OPENED_TO = 0.5;
/** Between the events of a visit, unless the slice is too short. */
const STEP_MS = 9 * SECOND_MS;

/** What the streams of the address and of the owner both know about an account. */
class Visits {
  readonly #share: SourceShare;
  readonly #random: Random;
  /** Part of the schedule's active time per account. */
  readonly sliceMs: number;
  readonly count: number;

  constructor(random: Random, share: SourceShare) {
    this.#share = share;
    this.#random = random.split('visits');
    this.count = Math.ceil((share.accounts.length - share.source) / share.sources);
    this.sliceMs = share.schedule.activeMs / this.count;
  }

  /** Position of the k-th account of this address. */
  index(k: number): number {
    return this.#share.source + k * this.#share.sources;
  }

  account(k: number): Account {
    return this.#share.accounts[this.index(k)]!;
  }

  person(k: number): number {
    const { persons } = this.#share;
    return persons.of(this.account(k).caseloadStart % persons.size);
  }

  isStolen(k: number): boolean {
    return this.#random.at(this.index(k)).chance(this.#share.stolenSessions);
  }

  /** When the k-th account is opened, in the schedule's active time. */
  openedAt(k: number): number {
    const part = OPENED_FROM + (OPENED_TO - OPENED_FROM) * this.#random.at(this.index(k), 2).float();
    return (k + part) * this.sliceMs;
  }

  /** The session that the owner opened `lagMs` before the thief enters. */
  ownersSession(k: number, openedAt: number): Session {
    const account = this.account(k);
    const network = { ...homeNetwork(account.index), userAgent: account.userAgent };
    return Session.open(account, network, openedAt, this.#random.at(this.index(k), 1));
  }
}

const STRUCTURES = structuresOf('AG');
const OWN_FILE = STRUCTURES.map((structure) => scopeFragment([structure], ['contact', 'nir']));
const OWN_DOCUMENT = STRUCTURES.map((structure) =>
  scopeFragment([structure], ['contact', 'nir', 'document']),
);

function writeOwn(out: EventWriter, person: number, scopes: readonly Uint8Array[], bytes: number): void {
  writeRecordCount(out, 1);
  writePerson(out, 'p', person);
  writeScope(out, 0, scopes[person % scopes.length]!, bytes);
}

/** A stream that lays out the steps of each slice when its turn comes. */
abstract class Slices implements EventStream {
  readonly #count: number;
  #k = 0;
  #steps: readonly ListedStep[] = [];
  #i = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get time(): number {
    return this.#steps[this.#i]?.time ?? Infinity;
  }

  next(out: EventWriter): void {
    this.#steps[this.#i++]!.write(out);
    this.advance();
  }

  /** Lays out slices until one has steps. */
  protected advance(): void {
    while (this.#i === this.#steps.length && this.#k < this.#count) {
      this.#steps = this.steps(this.#k++);
      this.#i = 0;
    }
  }

  /** In time order, and after those of the slice before. */
  protected abstract steps(k: number): readonly ListedStep[];
}

/** One address of the thieves. */
export class SourceAtWork extends Slices {
  readonly #share: SourceShare;
  readonly #visits: Visits;
  readonly #label: LabelRecorder;
  readonly #ids: Random;
  readonly #draws: Random;
  /** What an attempt from this address shows, before and after the account's id. */
  readonly #attempt: readonly [Uint8Array, Uint8Array];
  #tested = 0;

  constructor(random: Random, share: SourceShare, label: LabelRecorder) {
    const visits = new Visits(random, share);
    super(visits.count);
    const own = random.split(`source ${share.source}`);
    this.#share = share;
    this.#visits = visits;
    this.#label = label;
    this.#ids = own.split('event-ids');
    this.#draws = own.split('details');
    const sample = visits.account(0);
    const attempt = Buffer.from(
      Session.attempt(sample, share.network, share.schedule.start).fragment,
    ).toString();
    const at = attempt.indexOf(sample.userId);
    this.#attempt = [encoded(attempt.slice(0, at)), encoded(attempt.slice(at + sample.userId.length))];
    label.addSource(share.network.ip);
    this.advance();
  }

  protected steps(k: number): readonly ListedStep[] {
    const { sliceMs } = this.#visits;
    const stolen = this.#visits.isStolen(k);
    const steps = this.#failures(k, stolen);
    let at = this.#visits.openedAt(k);
    const later = (): number => {
      at += Math.min(STEP_MS, 0.08 * sliceMs) * (0.5 + this.#draws.float());
      return this.#timeAt(at);
    };
    const openedAt = this.#timeAt(at);
    const account = this.#visits.account(k);
    const { network } = this.#share;
    let session: Session;
    if (stolen) {
      session = this.#visits.ownersSession(k, openedAt - this.#share.lagMs).movedTo(network);
      this.#label.addUse(session);
    } else {
      session = Session.open(account, network, openedAt, this.#draws);
      this.#label.addSession(session);
      steps.push({ time: openedAt, write: (out) => this.#writeLogin(out, session, openedAt) });
    }
    for (let i = 0; i <= DOCUMENTS; i++) {
      const time = later();
      steps.push({ time, write: (out) => this.#writeRead(out, session, time, k, i, stolen) });
    }
    return steps;
  }

  /** Tests of accounts that do not open, and sometimes a first wrong password for the one that will. */
  #failures(k: number, stolen: boolean): ListedStep[] {
    const begin = k * this.#visits.sliceMs;
    const mean = 1 / this.#share.successRate - 1;
    const inVain = Math.floor(mean) + (this.#draws.chance(mean % 1) ? 1 : 0);
    const tries: string[] = [];
    for (let i = 0; i < inVain; i++) {
      const userId = this.#share.userId(this.#tested++);
      const passwords = this.#draws.between(1, 3);
      for (let p = 0; p < passwords; p++) tries.push(userId);
    }
    if (!stolen && this.#draws.chance(0.2)) tries.push(this.#visits.account(k).userId);
    return tries.map((userId, i) => {
      const part = (i + this.#draws.float()) / tries.length;
      const time = this.#timeAt(begin + part * (this.#visits.openedAt(k) - begin));
      return { time, write: (out) => this.#writeFailure(out, userId, time) };
    });
  }

  #timeAt(activeMs: number): number {
    return Math.floor(this.#share.schedule.at(activeMs));
  }

  #writeFailure(out: EventWriter, userId: string, time: number): void {
    out.begin(time, this.#ids, ACTIONS.loginFailure, userId);
    out.fragment(this.#attempt[0]);
    out.text(userId);
    out.fragment(this.#attempt[1]);
    writePlainDetail(out, 512);
    out.end();
    this.#label.noteLooseEvent(out, time);
  }

  #writeLogin(out: EventWriter, session: Session, time: number): void {
    out.begin(time, this.#ids, ACTIONS.login, session.userId);
    out.text(session.loginText());
    writePlainDetail(out, 2048, session.loginDetail());
    out.end();
    this.#label.noteEvent(out, time);
  }

  #writeRead(out: EventWriter, session: Session, time: number, k: number, i: number, loose: boolean): void {
    const person = this.#visits.person(k);
    out.begin(time, this.#ids, i === 0 ? ACTIONS.recordView : ACTIONS.documentDownload, session.userId);
    out.fragment(session.fragment);
    if (i === 0) writeOwn(out, person, OWN_FILE, 12_000 + this.#draws.below(12_000));
    else writeOwn(out, person, OWN_DOCUMENT, 160_000 + this.#draws.below(313_000));
    out.end();
    this.#label.noteRead(out, time, 1, i === 0 ? 1 : 0, loose);
  }
}

/** The owners of the stolen sessions, beforehand: a login at home and a look at their own file. */
export class OwnersBefore extends Slices {
  readonly #share: SourceShare;
  readonly #visits: Visits;
  readonly #ids: Random;

  constructor(random: Random, share: SourceShare) {
    const visits = new Visits(random, share);
    super(visits.count);
    this.#share = share;
    this.#visits = visits;
    this.#ids = random.split(`owners ${share.source}`);
    this.advance();
  }

  protected steps(k: number): readonly ListedStep[] {
    if (!this.#visits.isStolen(k)) return [];
    const { sliceMs } = this.#visits;
    const openedAt = Math.floor(this.#share.schedule.at(this.#visits.openedAt(k))) - this.#share.lagMs;
    const session = this.#visits.ownersSession(k, openedAt);
    const viewedAt = openedAt + Math.floor(Math.min(40 * SECOND_MS, 0.4 * sliceMs));
    return [
      {
        time: openedAt,
        write: (out) => {
          out.begin(openedAt, this.#ids, ACTIONS.login, session.userId);
          out.text(session.loginText());
          writePlainDetail(out, 2048, session.loginDetail());
          out.end();
        },
      },
      {
        time: viewedAt,
        write: (out) => {
          out.begin(viewedAt, this.#ids, ACTIONS.recordView, session.userId);
          out.fragment(session.fragment);
          writeOwn(out, this.#visits.person(k), OWN_FILE, 18_000);
          out.end();
        },
      },
    ];
  }
}
