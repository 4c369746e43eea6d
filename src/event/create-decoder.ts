/** Chooses the decoder: that of a mapping when there is one, else the scanner wherever it can do all that is asked for, else the reference. */

import { DEFAULT_PERSON_FIELDS, DEFAULT_TIMESTAMP_FIELD, type DecoderOptions } from './decoder-options.ts';
import type { Decoder } from './decoder.ts';
import { JsonParseDecoder } from './json-parse-decoder.ts';
import { buildKeyTree, type Terminal } from './key-tree.ts';
import { MappedDecoder } from './mapping/mapped-decoder.ts';
import { exposesPersons } from './record-filler.ts';
import { Scanner } from './scanner.ts';

/** Freezes the table of fields. Throws `PSEUDONYM_KEY_INVALID` for a key that is not 16 bytes long. */
export function createDecoder(options: DecoderOptions): Decoder {
  const { mapping } = options;
  if (mapping !== undefined) return new MappedDecoder({ ...options, mapping });
  const reference = new JsonParseDecoder(options);
  const { timestampField = DEFAULT_TIMESTAMP_FIELD, personFields = DEFAULT_PERSON_FIELDS } = options;
  if (exposesPersons(options) || personFields.includes(timestampField)) return reference;
  const terminals = wantedTerminals(options.fields.paths, timestampField, personFields);
  const tree = buildKeyTree(terminals);
  return tree === undefined ? reference : new Scanner(options, reference, tree.root, tree.marks);
}

function wantedTerminals(
  paths: readonly string[],
  timestampField: string,
  personFields: readonly string[],
): Terminal[] {
  const terminals: Terminal[] = paths.map((path, slot) => ({
    path,
    slot,
    isTime: path === timestampField,
    isPerson: personFields.includes(path),
  }));
  if (!paths.includes(timestampField)) {
    terminals.push({ path: timestampField, slot: -1, isTime: true, isPerson: false });
  }
  return terminals;
}
