/** A mapping run over lines, as people read it: one block per line of the log, with the event's fields. */

import { FieldTable, type FieldValue } from '../../../../src/event/record.ts';
import { isObject } from '../../../../src/event/field-path.ts';
import { MappedDecoder } from '../../../../src/event/mapping/mapped-decoder.ts';
import type { Mapping } from '../../../../src/event/mapping/mapping.ts';
import { parseMapping } from '../../../../src/event/mapping/parse-mapping.ts';

export const KEY = Uint8Array.from({ length: 16 }, (_, i) => 3 * i);

/** The mapping of a text that has no fault. */
export function mappingOf(text: string): Mapping {
  const { mapping, faults } = parseMapping('m.yml', text);
  if (mapping === undefined) throw new Error(JSON.stringify(faults));
  return mapping;
}

/** `file:line:col: CODE: message` of a text that has some. */
export function faultsOf(text: string): string[] {
  return parseMapping('m.yml', text).faults.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column}: ${code}: ${message}`,
  );
}

export function decoderOf(mapping: Mapping) {
  const fields = new FieldTable();
  fields.wantWhole();
  const decoder = new MappedDecoder({ fields, mapping, timeRequired: true, pseudonymKey: KEY });
  const record = fields.newRecord();
  return { decoder, record };
}

export function described(mapping: Mapping, lines: readonly (string | Buffer)[]): string {
  const { decoder, record } = decoderOf(mapping);
  return lines
    .map((line, i) => {
      const data = typeof line === 'string' ? Buffer.from(line) : line;
      const fault = decoder.decode(data, 0, data.length, record);
      const what =
        fault === undefined
          ? `${decoder.lastCase ?? 'kept'}\n${fieldsOf(record.whole!, '').join('\n')}`
          : fault.code === 'SKIPPED'
            ? `skipped: ${fault.reason}`
            : `${fault.code}: ${fault.message}`;
      return `${i + 1} ${what}\n`;
    })
    .join('');
}

function fieldsOf(value: FieldValue, path: string): string[] {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, below]) =>
      fieldsOf(below, path === '' ? key : `${path}.${key}`),
    );
  }
  return [`    ${path} = ${JSON.stringify(value)}`];
}
