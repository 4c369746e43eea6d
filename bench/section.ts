/** What a section of the benchmark is, and what it returns: tables of figures, and the goals they have to meet. */

export interface Size {
  /** Rounds after one warm-up round. */
  readonly rounds: number;
  /** Fewer events and cases, for a first look: about a tenth of the time. */
  readonly quick: boolean;
}

export interface Section {
  readonly name: string;
  /** One line: what is measured. */
  readonly about: string;
  run(size: Size): Result | Promise<Result>;
}

export interface Result {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** Why nothing was measured: something that the section needs is missing. */
  readonly leftOut?: string;
}

export interface Table {
  readonly title: string;
  readonly rows: readonly TableRow[];
}

/** Figures by column, with the unit in the column's name. Versions are compared by `ns/event`. */
export interface TableRow {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
}

export interface Goal {
  readonly name: string;
  readonly got: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const NS = 'ns/event';

export function isReached({ got, atLeast = -Infinity, atMost = Infinity }: Goal): boolean {
  return got >= atLeast && got <= atMost;
}

export function printResult({ tables, goals, leftOut }: Result): void {
  if (leftOut !== undefined) console.log(`left out: ${leftOut}\n`);
  for (const { title, rows } of tables) {
    const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
    const texts = rows.map(({ figures }) => columns.map((column) => shown(figures[column])));
    const widths = columns.map((column, c) => Math.max(column.length, ...texts.map((row) => row[c]!.length)));
    const line = (cells: readonly string[], name: string) =>
      `${cells.map((cell, c) => cell.padStart(widths[c]!)).join('  ')}  ${name}`.trimEnd();
    console.log(`${title}\n`);
    console.log(line(columns, ''));
    rows.forEach(({ name }, r) => console.log(line(texts[r]!, name)));
    console.log();
  }
  for (const goal of goals) {
    const wanted = goal.atLeast === undefined ? `at most ${goal.atMost}` : `at least ${goal.atLeast}`;
    const verdict = isReached(goal) ? 'reached' : 'NOT reached';
    console.log(`${verdict}: ${goal.name}: ${shown(goal.got)}, wanted ${wanted}`);
  }
  if (goals.length > 0) console.log();
}

/** Three significant digits, thousands grouped. */
function shown(figure: number | undefined): string {
  if (figure === undefined) return '';
  if (Math.abs(figure) >= 100 || Number.isInteger(figure)) return Math.round(figure).toLocaleString('en-GB');
  return figure.toPrecision(3);
}
