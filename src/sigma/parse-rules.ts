/**
 * Rule text → rule set. Guarantee: never throws, whatever the text. The result has the faults of every file with
 * their places, and a document with an error is not among the loaded rules.
 */

import { Lists } from '../lookup/list.ts';
import { readBaseRule, readFilter } from './base-rule.ts';
import type { FilterDraft } from './base-rule.ts';
import { Budget, FileBudget } from './budget.ts';
import { applyActions } from './collection.ts';
import { readCorrelation } from './correlation.ts';
import type { DetectionContext, Placeholders } from './detection.ts';
import { Faults } from './faults.ts';
import { DEFAULT_PERSON_FIELDS } from '../event/decoder-options.ts';
import { lint } from './lint/lint.ts';
import { checkLists } from './list-references.ts';
import { nearest } from './nearest.ts';
import type { Draft } from './names.ts';
import { resolve } from './resolve.ts';
import type { Fault, RuleSet } from './rule.ts';
import { parseYaml } from './yaml-tree.ts';
import type { YamlMap } from './yaml-tree.ts';

export interface RuleSource {
  /** Shown in faults. */
  readonly file: string;
  readonly text: string;
}

export interface ParseOptions {
  /** Values of `%name%` under the modifier `expand`. */
  readonly placeholders?: Placeholders;
  /**
   * The lists that rules may name in `vigie.only_listed` and similar keys; lists of one column are placeholders
   * too.
   */
  readonly lists?: Lists;
  /** Also warn of rules that are sound but hardly what was meant. Default false. */
  readonly lint?: boolean;
  /** Fields in which these warnings expect pseudonyms. Default `portal.records.ids`. */
  readonly personFields?: readonly string[];
}

const KINDS = ['detection', 'correlation', 'filter'] as const;

/** Parses and checks all files together: correlations and filters may refer to rules of other files. */
export function parseRules(sources: readonly RuleSource[], options: ParseOptions = {}): RuleSet {
  const lists = options.lists ?? new Lists();
  const placeholders = { ...placeholdersOf(lists), ...options.placeholders };
  const drafts: Draft[] = [];
  const filters: FilterDraft[] = [];
  const files: Faults[] = [];
  let documents = 0;
  for (const { file, text } of sources) {
    const faults = new Faults(file);
    files.push(faults);
    const trees = parseYaml(text, faults);
    documents += trees.length;
    const budget = new FileBudget(text.length);
    for (const root of applyActions(trees, faults)) {
      const draft = readDocument(root, { faults, placeholders, budget: new Budget(budget) });
      if (draft?.kind === 'filter') filters.push(draft);
      else if (draft !== undefined) drafts.push(draft);
    }
  }
  files.push(...checkLists(drafts, lists));
  const length = sources.reduce((sum, { text }) => sum + text.length, 0);
  const { rules, correlations } = resolve(drafts, filters, length);
  const { personFields = DEFAULT_PERSON_FIELDS } = options;
  if (options.lint === true) lint(drafts, filters, { rules, correlations }, lists, personFields);
  const faults = files.flatMap(({ all }) => all.sort(byPlace));
  const sound = filters.filter((filter) => filter.sound).length;
  return { rules, correlations, documents, filters: sound, faults, lists };
}

/** The cells of each list of one column are the values of `%name%`. */
function placeholdersOf(lists: Lists): Placeholders {
  const simple = lists.all.filter(({ columns }) => columns.length === 1);
  return Object.fromEntries(simple.map(({ name, contents }) => [name, contents.rows.map(([cell]) => cell!)]));
}

function byPlace(a: Fault, b: Fault): number {
  return a.line - b.line || a.column - b.column;
}

function readDocument(root: YamlMap, context: DetectionContext): Draft | FilterDraft | undefined {
  const kinds = KINDS.filter((kind) => root.entries.has(kind));
  if (kinds.length === 1) {
    if (kinds[0] === 'detection') return readBaseRule(root, context);
    if (kinds[0] === 'filter') return readFilter(root, context);
    return readCorrelation(root, context.faults);
  }
  if (kinds.length > 1) {
    const place = root.entries.get(kinds[1]!)!.place;
    context.faults.error(
      place,
      'BAD_DOCUMENT',
      `a document has one of ${KINDS.join(', ')}; this one has ${kinds.join(' and ')}: split it with ---`,
    );
    return undefined;
  }
  const typo = [...root.entries.values()]
    .map((entry) => [entry, nearest(entry.key, KINDS)] as const)
    .find(([, near]) => near !== undefined);
  const hint = typo === undefined ? '' : `; did you mean "${typo[1]!}" instead of "${typo[0].key}"?`;
  context.faults.error(
    typo?.[0].place ?? root,
    'BAD_DOCUMENT',
    `the document has none of ${KINDS.join(', ')}${hint}`,
  );
  return undefined;
}
