/**
 * Chooses the decoder: the mapping's if there is one, else the scanner if it supports all that is asked for and
 * the machine can run it, else the reference.
 */

import { DEFAULT_PERSON_FIELDS, DEFAULT_TIMESTAMP_FIELD, type DecoderOptions } from './decoder-options.ts';
import type { Decoder } from './decoder.ts';
import { JsonParseDecoder } from './json-parse-decoder.ts';
import { buildKeyTree, type KeyNode, type Terminal } from './key-tree.ts';
import { MappedDecoder } from './mapping/mapped-decoder.ts';
import { exposesPersons } from './record-filler.ts';
import { scannerModule } from './scanner-module.ts';
import { FIRST_EVENTS, WasmScanner } from './wasm-scanner.ts';
import { TreeTooLarge, WasmWalk } from './wasm-walk.ts';

/**
 * Freezes the table of fields. Throws `PSEUDONYM_KEY_INVALID` for a key that is not 16 bytes long. The scanner
 * leaves the first `firstEvents` events to the reference.
 */
export function createDecoder(options: DecoderOptions, firstEvents: number = FIRST_EVENTS): Decoder {
  const { mapping } = options;
  if (mapping !== undefined) return new MappedDecoder({ ...options, mapping });
  const reference = new JsonParseDecoder(options);
  const { timestampField = DEFAULT_TIMESTAMP_FIELD, personFields = DEFAULT_PERSON_FIELDS } = options;
  if (exposesPersons(options) || personFields.includes(timestampField)) return reference;
  const terminals = wantedTerminals(options.fields.paths, timestampField, personFields);
  const root = buildKeyTree(terminals);
  return root === undefined
    ? reference
    : new WasmScanner(reference, () => createWalk(options, root), firstEvents);
}

/** Creates the walk; undefined if there is no SIMD (`scannerModule` says so) or no room for it. */
function createWalk(options: DecoderOptions, root: KeyNode): WasmWalk | undefined {
  const { module } = scannerModule();
  if (module === undefined) return undefined;
  try {
    return new WasmWalk(module, options, root);
  } catch (error) {
    if (error instanceof TreeTooLarge || error instanceof RangeError) return undefined;
    throw error;
  }
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
