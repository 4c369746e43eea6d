/**
 * The configured values of `%name%` under the modifier `expand`: a map in the configuration file, or a YAML or
 * JSON file of its own. Every value is text, whatever YAML takes it for: in an event `4625` may be either.
 */

import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { numbersAsWritten } from '../config/config-file.ts';
import { messageOf, VigieError } from '../errors.ts';
import type { Placeholders } from '../sigma/detection.ts';

/** Placeholder name → a value or values, as a person writes them. */
export type GivenPlaceholders = Readonly<Record<string, unknown>>;

/** `given`: the map itself or the path of a file that holds it. Throws PLACEHOLDERS_INVALID. */
export function readPlaceholders(given: string | GivenPlaceholders | undefined): Placeholders {
  if (given === undefined) return {};
  const place = typeof given === 'string' ? given : 'the setting placeholders';
  const map = typeof given === 'string' ? readFile(given) : given;
  return Object.fromEntries(Object.entries(map).map(([name, values]) => [name, texts(place, name, values)]));
}

function readFile(file: string): GivenPlaceholders {
  let parsed: unknown;
  try {
    const document = parseDocument(readFileSync(file, 'utf8'));
    if (document.errors[0] !== undefined) throw document.errors[0];
    numbersAsWritten(document.contents);
    parsed = document.toJS() ?? {};
  } catch (cause) {
    throw invalid(`cannot read ${file}: ${messageOf(cause)}`, cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalid(`${file} is no map of placeholder names to values`);
  }
  return parsed as GivenPlaceholders;
}

function texts(place: string, name: string, values: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(values) ? values : [values];
  return all.map((value) => {
    if (typeof value === 'string') return value;
    // A number that an alias refers to.
    if (typeof value === 'number') return String(value);
    const given = value === null ? 'nothing' : typeof value;
    throw invalid(`${place}: ${name} holds ${given}; expected a text or a list of texts`);
  });
}

function invalid(message: string, cause?: unknown): VigieError {
  return new VigieError('PLACEHOLDERS_INVALID', message, {
    remedy: 'Write a map such as `admins: [root, admin*]`; docs/rule-language.md describes placeholders.',
    cause,
  });
}
