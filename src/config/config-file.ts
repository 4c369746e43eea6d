/** The configuration file, as values by setting. What is wrong with it is told without quoting it: it may hold secrets. */

import { readFileSync } from 'node:fs';
import { isMap, isNode, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { VigieError } from '../errors.ts';
import { openFailure, shownPath } from './shown-path.ts';

/** Throws CONFIG_INVALID. */
export function readConfigFile(file: string): Record<string, unknown> {
  try {
    const lineCounter = new LineCounter();
    // Not pretty: that would quote the lines around, which may hold a secret.
    const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter, prettyErrors: false });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      const { line, col } = lineCounter.linePos(fault.pos[0]);
      throw new Error(`line ${line}, column ${col}: ${withoutQuote(fault)}`);
    }
    numbersAsWritten(isMap(document.contents) ? document.contents.get('placeholders', true) : undefined);
    // A file of comments only is an empty one.
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

/** Makes texts of the numbers in a part of a YAML document: `00123` is then not 123. */
export function numbersAsWritten(part: unknown): void {
  if (!isNode(part)) return;
  visit(part, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'number') scalar.value = scalar.source ?? scalar.value;
    },
  });
}

/** A secret without quotes may begin with a character that means something in YAML, and is then what is at fault. */
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
