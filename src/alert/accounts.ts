/**
 * Accounts as alerts list them: who acted (`user.id`), and to whom it was done (`user.target.id`: the account that was
 * created, given rights or reset), as both are what somebody has to look at and perhaps to close.
 */

/** Whoever acts. A group by it says who that is. */
export const ACCOUNT_FIELD = 'user.id';

/** Stands before and between the two where there is a target. */
const MARK = '\0';

/** What a dictionary holds of an event's accounts; each may be empty. */
export function accountsText(user: string, target: string): string {
  return target === '' && !user.startsWith(MARK) ? user : `${MARK}${user.length}${MARK}${user}${target}`;
}

/** What an alert shows of those texts: each account once. */
export function shownAccounts(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap(accountsIn))].sort();
}

function accountsIn(text: string): string[] {
  if (!text.startsWith(MARK)) return [text];
  const start = text.indexOf(MARK, 1) + 1;
  const end = start + Number(text.slice(1, start - 1));
  return [text.slice(start, end), text.slice(end)].filter((account) => account !== '');
}
