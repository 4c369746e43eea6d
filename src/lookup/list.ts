/**
 * Lookup lists: small tables beside the rules (the organisation's own networks, service accounts, caseloads) in
 * which rules look up an event's values.
 *
 * The rows of a list can be replaced between two events. Whoever uses a list does so through a *view* (an index of
 * its rows), which always shows the current rows. Invariant: the rows of a list suit all of its views; rows that
 * would not are refused as a whole, and nothing changes.
 */

/** The rows of a list, each with as many cells as there are columns, and the line of each in its file. */
export interface ListContents {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
}

export interface ListFault {
  /** Counts from 1. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export type Built<T> = { readonly value: T } | { readonly faults: readonly ListFault[] };

/** A way to index rows; kinds with the same key index in the same way. */
export interface ViewKind<T> {
  readonly key: string;
  readonly build: (contents: ListContents) => Built<T>;
}

/** `value` is that of the current rows. */
export interface View<T> {
  readonly value: T;
}

interface HeldView {
  readonly kind: ViewKind<unknown>;
  readonly view: { value: unknown };
}

export class LookupList {
  readonly name: string;
  readonly columns: readonly string[];
  #file: string;
  #version: string;
  #contents: ListContents;
  readonly #views = new Map<string, HeldView>();

  /** `version` tells apart what the file held at different times. */
  constructor(name: string, file: string, contents: ListContents, version = '') {
    this.name = name;
    this.columns = contents.columns;
    this.#file = file;
    this.#version = version;
    this.#contents = contents;
  }

  get file(): string {
    return this.#file;
  }

  get version(): string {
    return this.#version;
  }

  get contents(): ListContents {
    return this.#contents;
  }

  /** Returns what keeps the rows from being indexed in this way; empty if they can be. */
  check(kind: ViewKind<unknown>): readonly ListFault[] {
    if (this.#views.has(kind.key)) return [];
    const built = kind.build(this.#contents);
    if ('faults' in built) return built.faults;
    this.#views.set(kind.key, { kind, view: { value: built.value } });
    return [];
  }

  /** The rows indexed in this way, for which `check` found no fault; throws otherwise. */
  view<T>(kind: ViewKind<T>): View<T> {
    const [fault] = this.check(kind);
    if (fault !== undefined) throw new Error(`${this.#file}:${fault.line}: ${fault.message}`);
    return this.#views.get(kind.key)!.view as View<T>;
  }

  /** Takes other rows if they have the same columns (in any order) and suit all views; else returns why not. */
  replace(contents: ListContents, file = this.#file, version = ''): readonly ListFault[] {
    const order = this.columns.map((column) => contents.columns.indexOf(column));
    if (order.includes(-1) || contents.columns.length !== this.columns.length) {
      const message = `the columns are now ${contents.columns.join(', ')}; rules were loaded for ${this.columns.join(', ')}: send SIGHUP or restart to load them anew`;
      return [{ line: 1, code: 'LIST_COLUMNS_CHANGED', message }];
    }
    const inOrder = order.every((from, to) => from === to);
    const rows = inOrder ? contents.rows : contents.rows.map((row) => order.map((from) => row[from]!));
    const next = { columns: this.columns, rows, lines: contents.lines };
    const built: (readonly [HeldView, unknown])[] = [];
    for (const held of this.#views.values()) {
      const view = held.kind.build(next);
      if ('faults' in view) return view.faults;
      built.push([held, view.value]);
    }
    for (const [held, value] of built) held.view.value = value;
    this.#contents = next;
    this.#file = file;
    this.#version = version;
    return [];
  }
}

/** The lists that rules can name. */
export class Lists {
  readonly #byName: ReadonlyMap<string, LookupList>;
  /** Names of lists whose files are faulty: they exist, but no rule can use them. */
  readonly faulty: ReadonlySet<string>;

  constructor(lists: readonly LookupList[] = [], faulty: Iterable<string> = []) {
    this.#byName = new Map(lists.map((list) => [list.name, list]));
    this.faulty = new Set(faulty);
  }

  get(name: string): LookupList | undefined {
    return this.#byName.get(name);
  }

  /** The list that a loaded rule names: the loader made sure that there is one. */
  known(name: string): LookupList {
    const list = this.#byName.get(name);
    if (list === undefined) throw new Error(`there is no list ${name}`);
    return list;
  }

  get all(): readonly LookupList[] {
    return [...this.#byName.values()];
  }

  get names(): readonly string[] {
    return [...this.#byName.keys(), ...this.faulty].sort();
  }
}
