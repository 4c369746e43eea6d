/**
 * Where everything lies in the scanner's memory, and what its results mean. Addresses are bytes; the compiler's own
 * data lies below `FIRST`. `src/event/wasm-walk.ts` repeats the forms and tags.
 */

/** An event, followed by zeros. JSON contains no zero byte, so no walk goes past the end. */
export const MAX_EVENT: u32 = 1 << 20;
const SLACK: u32 = 256;

const FIRST: u32 = 1 << 16;
/** 16 bytes of ones, then 16 of zeros: read from the middle, a mask of n bytes. */
export const MASKS: u32 = FIRST;

/** The text of the last minute seen, 16 bytes. */
export const MINUTE: u32 = FIRST + 32;
/** Keys marked in the current step from one value to the next. */
export const STEP_MARKS: u32 = FIRST - 64;
/** For a string without its escapes, which is never longer than with them. */
export const SCRATCH_SIZE: u32 = 4096;
export const SCRATCH: u32 = FIRST - 8192;
/** Per object being gathered from, where the values of its wanted keys begin. */
export const MAX_GATHERED_KEYS: u32 = 64;
export const GATHER_FRAMES: u32 = FIRST - 4096;
export const GATHER_FRAMES_END: u32 = FIRST - 2048;
/** The text that is hashed for a link; then the digits of its number, which end at DIGITS_END. */
export const MESSAGE: u32 = FIRST - 2048;
export const DIGITS_END: u32 = FIRST - 1024;

/** Parts of the event left to the caller, 16 bytes each: key (0: withdrawn), from, to, mark of the key. */
export const MAX_PARTS: u32 = 16;
export const PARTS: u32 = FIRST - 512;

/**
 * A 64-bit word: the event time; then 32-bit words: its form, the range of its text, the numbers of new strings and
 * parts.
 */
export const TIME: u32 = FIRST + 64;
export const TIME_FORM: u32 = TIME + 8;
export const TIME_FROM: u32 = TIME + 12;
export const TIME_TO: u32 = TIME + 16;
export const NEW_COUNT: u32 = TIME + 20;
export const PART_COUNT: u32 = TIME + 24;

// Forms of the time: none or null; milliseconds at TIME; text to be parsed; a number at TIME to be checked.
export const TIME_NONE: u32 = 0;
export const TIME_READ: u32 = 1;
export const TIME_TEXT: u32 = 2;
export const TIME_NUMBER: u32 = 3;

/** Values: first one per slot, then the elements of lists. */
export const MAX_SLOTS: u32 = 4096;
export const MAX_VALUES: u32 = 1 << 17;
/** Per value, 32 bits: its tag. */
export const TAGS: u32 = FIRST + 128;
/** Per value, 64 bits: a number, or two 32-bit words. */
export const DATA: u32 = TAGS + 4 * MAX_VALUES;

// Tags from 0 on are places in the caller's table of values. These are fixed.
export const UNDEFINED: i32 = 0;
export const NULL: i32 = 1;
export const FALSE: i32 = 2;
export const TRUE: i32 = 3;
export const EMPTY: i32 = 4;
// Negative tags say what DATA holds.
export const NUMBER: i32 = -1;
/** From, to: the text of a number. */
export const NUMBER_TEXT: i32 = -2;
/** From, to: a string between its quotes, ASCII without escapes. */
export const PLAIN_TEXT: i32 = -3;
/** From, to: any other string. */
export const TEXT: i32 = -4;
/** First value, number of values. */
export const LIST: i32 = -5;
/** Number of pseudonyms, number of links. */
export const PERSONS: i32 = -6;
/** From, to: an object, or a list with nested ones. */
export const JSON_VALUE: i32 = -7;
/** First value, last value; the place after each holds the next one, or 0. */
export const GATHERED: i32 = -8;

/** Strings that were given a cell: cell, from, to, tag of the text. */
export const MAX_NEW: u32 = 4096;
export const NEW: u32 = DATA + 8 * MAX_VALUES;

export const MAX_MARKS: u32 = 1 << 14;
/** Per mark, two 32-bit words: the event in which it was last met, and the key it was met by. */
export const MET: u32 = NEW + 16 * MAX_NEW;
/** Per slot, 16 bytes: whether cells are worthwhile for it. */
export const TRIALS: u32 = MET + 8 * MAX_MARKS;

// Three kinds of cells; a set is one or more cache lines.
export const TINY_CELL: u32 = 16;
export const TINY_WAYS: u32 = 4;
export const TINY_SETS_LOG2: u32 = 14;
export const TINY_CELLS: u32 = (TRIALS + 16 * MAX_SLOTS + 63) & ~63;
export const SHORT_CELL: u32 = 32;
export const SHORT_WAYS: u32 = 2;
export const SHORT_SETS_LOG2: u32 = 12;
export const SHORT_CELLS: u32 = TINY_CELLS + ((TINY_WAYS * TINY_CELL) << TINY_SETS_LOG2);
export const LONG_CELL: u32 = 256;
export const LONG_WAYS: u32 = 2;
export const LONG_SETS_LOG2: u32 = 8;
export const LONG_CELLS: u32 = SHORT_CELLS + ((SHORT_WAYS * SHORT_CELL) << SHORT_SETS_LOG2);
/** The first place in the table of each kind. */
export const FIRST_TINY: i32 = 8;
export const FIRST_SHORT: i32 = FIRST_TINY + (TINY_WAYS << TINY_SETS_LOG2);
export const FIRST_LONG: i32 = FIRST_SHORT + (SHORT_WAYS << SHORT_SETS_LOG2);
/** Size of the caller's table. */
export const TABLE_SIZE: i32 = FIRST_LONG + (LONG_WAYS << LONG_SETS_LOG2);

export const INPUT: u32 = LONG_CELLS + ((LONG_WAYS * LONG_CELL) << LONG_SETS_LOG2);

/** Hash table of keys. */
export const KEYS_LOG2: u32 = 14;
export const KEYS: u32 = INPUT + MAX_EVENT + SLACK;
export const HEAP: u32 = KEYS + (4 << KEYS_LOG2);
export const HEAP_END: u32 = HEAP + (4 << 20);
