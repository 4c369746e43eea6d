/**
 * Accounts as alerts list them: who acted (`user.id`), and on whom (`user.target.id`: the account that was created,
 * given rights or reset), since somebody has to look at both and perhaps close them.
 */

/** Who acts. A group by this field names the account. */
export const ACCOUNT_FIELD = 'user.id';

/** Stands before and between the two accounts if there is a target. */
const MARK = '\0';

/** What a dictionary stores for an event's accounts; each may be empty. */
export function accountsText(user: string, target: string): string {
  return target === '' && !user.startsWith(MARK) ? user : `${MARK}${user.length}${MARK}${user}${target}`;
}

/** What an alert shows of these texts: each account once. */
export function shownAccounts(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap(accountsIn))].sort();
}

function accountsIn(text: string): string[] {
  if (!text.startsWith(MARK)) return [text];
  const start = text.indexOf(MARK, 1) + 1;
  const end = start + Number(text.slice(1, start - 1));
  return [text.slice(start, end), text.slice(end)].filter((account) => account !== '');
}
