/** Compressed messages that cannot be read: damaged, of an unknown form, or larger than is ever allowed. */
export class UnreadableBatch extends Error {
  override readonly name = 'UnreadableBatch';

  constructor(codec: string, what: string) {
    super(`messages compressed with ${codec}: ${what}`);
  }
}
