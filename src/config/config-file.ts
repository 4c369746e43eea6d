/** The configuration file, as values by setting. Its faults are reported without quoting it, as it may hold secrets. */

import { readFileSync } from 'node:fs';
import { isMap, isNode, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { VigieError } from '../errors.ts';
import { openFailure, shownPath } from './shown-path.ts';

/** Throws CONFIG_INVALID. */
export function readConfigFile(file: string): Record<string, unknown> {
  try {
    const lineCounter = new LineCounter();
    // Pretty errors would quote the surrounding lines, which may hold a secret.
    const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter, prettyErrors: false });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      const { line, col } = lineCounter.linePos(fault.pos[0]);
      throw new Error(`line ${line}, column ${col}: ${withoutQuote(fault)}`);
    }
    numbersAsWritten(isMap(document.contents) ? document.contents.get('placeholders', true) : undefined);
    // A file that holds only comments is empty.
    const parsed: unknown = toValues(document) ?? {};
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new Error('it is not a map of settings');
    }
    return parsed as Record<string, unknown>;
  } catch (error) {
    throw new VigieError(
      'CONFIG_INVALID',
      `cannot read the configuration file ${shownPath(file)}: ${openFailure(file, error)}`,
      {
        remedy: 'Let VIGIE_CONFIG name a readable YAML or JSON file, or unset it.',
        cause: error,
      },
    );
  }
}

/** Turns the numbers in a part of a YAML document into texts, so that `00123` does not become 123. */
export function numbersAsWritten(part: unknown): void {
  if (!isNode(part)) return;
  visit(part, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'number') scalar.value = scalar.source ?? scalar.value;
    },
  });
}

/**
 * An unquoted secret may begin with a character that has a meaning in YAML, and the fault is then about the secret
 * itself.
 */
function withoutQuote({ code, message }: YAMLError): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag that does not exist; put what begins with ! in quotes';
  if (code === 'BAD_DQ_ESCAPE') return 'an escape sequence that does not exist';
  return message.replace(/: .*/s, '');
}

function toValues(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch {
    throw new Error('it refers to what is not there; put what begins with * in quotes');
  }
}
