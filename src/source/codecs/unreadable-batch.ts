/** Compressed messages that cannot be read: damaged, in an unknown format, or larger than allowed. */
export class UnreadableBatch extends Error {
  override readonly name = 'UnreadableBatch';

  constructor(codec: string, what: string) {
    super(`messages compressed with ${codec}: ${what}`);
  }
}
