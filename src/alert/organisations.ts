/**
 * Organisations as alerts list them: by name, which people know, or by id if there is no name. Two of the same name
 * count as two; an alert with both shows each with its id.
 *
 * What an alert lists follows from its own events alone, whatever else shares a name, and so not from their order.
 */

/** Stands between name and id in a dictionary's text. */
const BETWEEN = '\0';

/** What a dictionary stores for an organisation; each may be empty. */
export function organisationText(name: string, id: string): string {
  return name === '' || id === '' ? name || id : `${name}${BETWEEN}${id}`;
}

/** What an alert shows of these texts. */
export function shownOrganisations(texts: readonly string[]): string[] {
  const organisations = texts.map(parted);
  const withId = organisations.filter(({ id }) => id !== '');
  const sharing = Map.groupBy(withId, ({ name }) => name);
  const shown = organisations.map(({ name, id }) =>
    id !== '' && sharing.get(name)!.length > 1 ? `${name} (${id})` : name,
  );
  return [...new Set(shown)].sort();
}

function parted(text: string): { readonly name: string; readonly id: string } {
  const at = text.lastIndexOf(BETWEEN);
  return at < 0 ? { name: text, id: '' } : { name: text.slice(0, at), id: text.slice(at + 1) };
}
