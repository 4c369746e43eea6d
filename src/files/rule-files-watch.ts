/**
 * The rule files of a running service: whether they changed, and what they say now.
 *
 * Changed files are to be loaded once they are the same at two looks in a row, so that files still being written
 * are not taken by halves. What is wrong with them is a result, never an exception. The cause may lie in a list or
 * in the placeholders, so refused files are loaded again when one of these changes.
 */

import { messageOf, VigieError } from '../errors.ts';
import { findLists, listFolders, versionOf } from './list-files.ts';
import { readPlaceholders, type GivenPlaceholders } from './placeholders.ts';
import { findRuleFiles, loadRules } from './rule-files.ts';
import type { Fault, RuleSet } from '../sigma/rule.ts';

export interface RulePlaces {
  readonly paths: readonly string[];
  readonly listsFolder: string | undefined;
  readonly placeholders: string | GivenPlaceholders | undefined;
}

/** Why files are not taken; has no place if it is not the fault of a file. */
type Refusal = Pick<Fault, 'code' | 'message'> & Partial<Pick<Fault, 'file' | 'line' | 'column'>>;

type Loaded = { readonly ruleSet: RuleSet } | { readonly refusals: readonly [Refusal, ...Refusal[]] };

export class RuleFilesWatch {
  readonly #places: RulePlaces;
  #taken: string;
  #before: string;
  #refused = false;

  /** Notes the files as those in force. To be called before they are loaded, so that no change is missed. */
  constructor(places: RulePlaces) {
    this.#places = places;
    this.#taken = this.#version();
    this.#before = this.#taken;
  }

  /** Whether the files differ from those last loaded and are the same as at the previous look. */
  look(): boolean {
    const version = this.#version();
    const settled = version === this.#before;
    this.#before = version;
    return settled && version !== this.#taken;
  }

  /** Loads the files. A set with any error is refused. */
  load(): Loaded {
    const loaded = { sound: this.#version(false), refused: this.#version(true) };
    const result = this.#load();
    this.#refused = 'refusals' in result;
    this.#taken = this.#refused ? loaded.refused : loaded.sound;
    this.#before = this.#taken;
    return result;
  }

  #load(): Loaded {
    const { paths, listsFolder, placeholders } = this.#places;
    try {
      const ruleSet = loadRules(paths, { listsFolder, placeholders: readPlaceholders(placeholders) });
      const [first, ...others] = ruleSet.faults.filter(({ severity }) => severity === 'error');
      if (first !== undefined) return { refusals: [first, ...others] };
      if (ruleSet.rules.length + ruleSet.correlations.length > 0) return { ruleSet };
      return { refusals: [{ code: 'NO_RULES', message: `there is no rule under ${paths.join(', ')}` }] };
    } catch (error) {
      const code = error instanceof VigieError ? error.code : 'RULES_UNREADABLE';
      return { refusals: [{ code, message: messageOf(error) }] };
    }
  }

  /** Tells apart what the files hold at different times. */
  #version(withWhatTheyAsk = this.#refused): string {
    const { paths, listsFolder, placeholders } = this.#places;
    try {
      const files = [...findRuleFiles(paths)];
      if (withWhatTheyAsk) {
        files.push(...findLists(listFolders(paths, listsFolder)).values());
        if (typeof placeholders === 'string') files.push(placeholders);
      }
      return files.map(versionOf).join('\n');
    } catch (error) {
      return messageOf(error);
    }
  }
}
