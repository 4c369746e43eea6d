/** Names: the key of each document, and the document that an id or name refers to. */

import type { RuleDraft } from './base-rule.ts';
import type { CorrelationDraft } from './correlation.ts';
import { shown } from './faults.ts';
import type { Faults } from './faults.ts';
import { suggestion } from './nearest.ts';
import type { PlacedText } from './reader.ts';

/** A document that can be referred to. */
export type Draft = RuleDraft | CorrelationDraft;

/** Most names compared to suggest the one that was meant, over all references that name nothing. */
const MAX_COMPARED = 30_000;

export class Names {
  readonly #keys = new Map<Draft, string>();
  readonly #byName = new Map<string, Draft[]>();
  readonly #titles = new Set<string>();
  #compared = 0;

  constructor(drafts: readonly Draft[]) {
    const taken = new Set<string>();
    const next = new Map<string, number>();
    for (const draft of drafts) {
      const { id, name, title } = draft.meta;
      const wanted = id ?? name ?? title;
      let key = wanted;
      for (let n = next.get(wanted) ?? 2; taken.has(key); n++) {
        key = `${wanted}#${n}`;
        next.set(wanted, n + 1);
      }
      if (key !== wanted && wanted !== '') {
        draft.faults.warning(
          draft.root,
          'DUPLICATE_RULE',
          `another rule is called ${shown(wanted)} too; this one becomes ${shown(key)}: give it an id of its own`,
        );
      }
      taken.add(key);
      this.#keys.set(draft, key);
      this.#titles.add(title);
      for (const label of new Set([id, name])) {
        if (label === undefined) continue;
        const same = this.#byName.get(label);
        if (same === undefined) this.#byName.set(label, [draft]);
        else same.push(draft);
      }
    }
  }

  /** The key of a document, unique among all documents even if their ids are not. */
  keyOf(draft: Draft): string {
    return this.#keys.get(draft)!;
  }

  /** The document with this id or name. Reports if there is none or more than one. */
  find(reference: PlacedText, faults: Faults): Draft | undefined {
    const found = this.#byName.get(reference.text) ?? [];
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      faults.error(
        reference,
        'AMBIGUOUS_RULE',
        `${found.length} rules are called ${shown(reference.text)}; give each an id of its own`,
      );
      return undefined;
    }
    const hint = this.#titles.has(reference.text)
      ? '; that is a title: give the rule a name and refer to it by that'
      : faults.full
        ? ''
        : this.#suggestion(reference.text) || '; if it stands in another file, give that path too';
    faults.error(reference, 'UNKNOWN_RULE', `no rule has the id or name ${shown(reference.text)}${hint}`);
    return undefined;
  }

  #suggestion(text: string): string {
    if (this.#compared > MAX_COMPARED) return '';
    this.#compared += this.#byName.size;
    return suggestion(text, this.#byName.keys());
  }
}
