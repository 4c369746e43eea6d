import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';

describe('the message of anything thrown', () => {
  test('an error gives its message, any other value its text', () => {
    expect(messageOf(new RangeError('too far'))).toBe('too far');
    expect(messageOf('plain text')).toBe('plain text');
    expect(messageOf(undefined)).toBe('undefined');
  });

  test('a value whose own conversion to text fails is named by its type instead of throwing once more', () => {
    expect(messageOf({ toString: 0 })).toBe('a thrown object that has no text');
    expect(messageOf(Object.create(null))).toBe('a thrown object that has no text');
    expect(
      messageOf({
        toString() {
          throw new Error('again');
        },
      }),
    ).toBe('a thrown object that has no text');
  });
});
