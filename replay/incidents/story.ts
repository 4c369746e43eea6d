/**
 * The story around a theft: the few events that are not bulk reads. The attacker's are labelled as they are written;
 * those of honest people (the owner who logs in again) are not.
 */

import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../calendar.ts';
import type { Account } from '../cast.ts';
import type { EventStream, ListedStep } from '../event-stream.ts';
import { ListedStream } from '../event-stream.ts';
import type { EventWriter } from '../event-writer.ts';
import { ACTIONS, resetDetail, writePlainDetail } from '../event-writer.ts';
import type { Random } from '../random.ts';
import type { Identity, Network } from '../session.ts';
import { Session } from '../session.ts';
import type { World } from './incident.ts';
import { stepBefore } from './schedule.ts';

/** How an event is labelled: the attacker's in one of their sessions, the attacker's outside any, or not at all. */
type Part = 'session' | 'loose' | 'honest';

export class Story {
  readonly #world: World;
  readonly #ids: Random;
  readonly #draws: Random;
  readonly #steps: ListedStep[] = [];
  #operator: Account | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#ids = world.random.split('story event-ids');
    this.#draws = world.random.split('story details');
  }

  /** A login that opens `session`; `then` is called when it is written. */
  login(time: number, session: Session, then?: () => void): void {
    this.#world.label.addSession(session);
    this.#login(time, session, 'session', then);
  }

  /** `count` wrong passwords for an account, within the last `spanMs` of these hours before an instant. */
  failures(
    hours: 'any' | 'working',
    before: number,
    spanMs: number,
    identity: Identity,
    network: Network,
    count: number,
  ): void {
    for (let i = 0; i < count; i++) {
      const left = ((count - i - this.#draws.float()) * spanMs) / count;
      const time = Math.floor(stepBefore(hours, before, SECOND_MS + left));
      const attempt = Session.attempt(identity, network, time);
      this.#world.label.addSession(attempt);
      this.#step(time, identity.userId, ACTIONS.loginFailure, 'loose', (out) => {
        out.fragment(attempt.fragment);
        writePlainDetail(out, 512);
      });
    }
  }

  /** Looking around: `count` searches in [from, to), none close to its ends. */
  searches(from: number, to: number, session: Session, count: number): void {
    for (let i = 0; i < count; i++) {
      const time = Math.floor(from + ((i + 0.1 + 0.8 * this.#draws.float()) * (to - from)) / count);
      this.act(time, session, ACTIONS.recordSearch, 4_000 + this.#draws.below(8_000));
    }
  }

  /** An action within a session that reads no record. `portal`: further fields, each preceded by a comma. */
  act(time: number, session: Session, action: Uint8Array, bytes: number, portal = ''): void {
    this.#step(time, session.userId, action, 'session', (out) => {
      out.fragment(session.fragment);
      writePlainDetail(out, bytes, portal);
    });
  }

  /** An action on another account. */
  actOn(time: number, session: Session, targetUserId: string, action: Uint8Array, portal = ''): void {
    this.#step(time, session.userId, action, 'session', (out) => {
      out.text(session.textOn(targetUserId));
      writePlainDetail(out, 1024, portal);
    });
  }

  /**
   * The helpdesk resets an account's password: deceived (part of the attack), or to contain the attack. The operator
   * acts from the helpdesk, in a session opened one to three hours before.
   */
  reset(time: number, account: Identity, why: 'deceived' | 'containing'): void {
    const operator = (this.#operator ??= this.#findOperator());
    const { egressIp: ip, asNumber } = operator.organisation;
    const network = { ip, asNumber, userAgent: operator.userAgent };
    const openedAt = time - HOUR_MS - this.#draws.below(2 * HOUR_MS);
    const session = Session.open(operator, network, openedAt, this.#draws);
    const part = why === 'deceived' ? 'loose' : 'honest';
    this.#step(time, operator.userId, ACTIONS.passwordReset, part, (out) => {
      out.text(session.textOn(account.userId));
      writePlainDetail(out, 512, resetDetail(operator.userId));
    });
  }

  /** The owner logs in at the office and searches twice within ten minutes. */
  ownerReturns(time: number, owner: Account): void {
    const { egressIp: ip, asNumber } = owner.organisation;
    const network = { ip, asNumber, userAgent: owner.userAgent };
    const session = Session.open(owner, network, time, this.#draws);
    this.#login(time, session, 'honest');
    for (const earliest of [2, 6]) {
      const later = earliest * MINUTE_MS + this.#draws.below(3 * MINUTE_MS);
      this.#step(time + later, owner.userId, ACTIONS.recordSearch, 'honest', (out) => {
        out.fragment(session.fragment);
        writePlainDetail(out, 6_000);
      });
    }
  }

  /** Number of events. */
  get length(): number {
    return this.#steps.length;
  }

  /** ms since the epoch. */
  get firstEventAt(): number {
    return this.#steps.reduce((least, step) => Math.min(least, step.time), Infinity);
  }

  stream(): EventStream {
    return new ListedStream(this.#steps);
  }

  #findOperator(): Account {
    const operators = this.#world.cast.withRole('helpdesk');
    if (operators.length > 0) return this.#draws.pick(operators);
    return this.#world.cast.add({ name: 'helpdesk operator', role: 'helpdesk', department: '75' });
  }

  #login(time: number, session: Session, part: Part, then?: () => void): void {
    this.#step(time, session.userId, ACTIONS.login, part, (out) => {
      out.text(session.loginText());
      writePlainDetail(out, 2048, session.loginDetail());
      then?.();
    });
  }

  #step(
    time: number,
    userId: string,
    action: Uint8Array,
    part: Part,
    write: (out: EventWriter) => void,
  ): void {
    const { label } = this.#world;
    this.#steps.push({
      time,
      write: (out) => {
        out.begin(time, this.#ids, action, userId);
        write(out);
        out.end();
        if (part === 'session') label.noteEvent(out, time);
        if (part === 'loose') label.noteLooseEvent(out, time);
      },
    });
  }
}
