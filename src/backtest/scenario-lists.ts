/** The lookup lists of a generated country, for rules loaded for its traffic. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listsOf } from '../../replay/index.ts';
import { loadRules } from '../files/rule-files.ts';
import type { Placeholders } from '../sigma/detection.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { RuleChoice } from './rule-choice.ts';

/**
 * Loads rules with the lists of this scenario's portal directory; other lists come from beside the rules. `listsFolder`
 * replaces the scenario's lists. `load` reads the rules; its parameters are those of `requireRules`.
 */
export function loadRulesFor(
  scenario: string,
  options: Readonly<Record<string, unknown>>,
  { paths, listsFolder, placeholders }: Pick<RuleChoice, 'paths' | 'listsFolder' | 'placeholders'>,
  load: (paths: readonly string[], listsFolder: string, placeholders: Placeholders) => RuleSet = (
    from,
    folder,
  ) => loadRules(from, { listsFolder: folder, placeholders }),
): RuleSet {
  if (listsFolder !== undefined) return load(paths, listsFolder, placeholders);
  const folder = mkdtempSync(join(tmpdir(), 'vigie-lists-'));
  try {
    for (const [name, text] of Object.entries(listsOf(scenario, options))) {
      writeFileSync(join(folder, `${name}.csv`), text);
    }
    return load(paths, folder, placeholders);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
