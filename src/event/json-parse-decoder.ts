/**
 * The reference decoder, over `JSON.parse`. It defines what decoding means; the scanner must agree with it on
 * every input and leaves to it whatever is unusual.
 *
 * Checks run in this order, and the first to fail names the dead letter: those of the bytes (`event-reader.ts`),
 * time, persons' ids.
 */

import { DEFAULT_MAX_EVENT_BYTES, DEFAULT_TIMESTAMP_FIELD, type DecoderOptions } from './decoder-options.ts';
import type { DecodeFault, Decoder } from './decoder.ts';
import { readObject } from './event-reader.ts';
import { fieldPath, resolvePath, type FieldPath } from './field-path.ts';
import { RecordFiller } from './record-filler.ts';
import type { EventRecord } from './record.ts';
import { parseTime } from './time.ts';

export class JsonParseDecoder implements Decoder {
  readonly #time: FieldPath;
  readonly #maxEventBytes: number;
  readonly #filler: RecordFiller;

  constructor(options: DecoderOptions) {
    this.#time = fieldPath(options.timestampField ?? DEFAULT_TIMESTAMP_FIELD);
    this.#maxEventBytes = options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES;
    this.#filler = new RecordFiller(options);
  }

  decode(data: Uint8Array, start: number, end: number, record: EventRecord): DecodeFault | undefined {
    const { value: root, fault } = readObject(data, start, end, this.#maxEventBytes, 'refuse');
    if (fault !== undefined) return fault;
    record.size = end - start;
    const time = resolvePath(root, this.#time);
    return this.#filler.time(time, parseTime, this.#time.text, record) ?? this.#filler.fill(root, record);
  }
}
