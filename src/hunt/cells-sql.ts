/**
 * Whether values of an event are among many texts, addresses and networks, as one look-up in a constant set for each
 * kind of them: ClickHouse would need minutes to analyse a condition with a term for each.
 */

import { type Address, type Network, parseAddress, parseNetwork } from '../sigma/ip.ts';
import { joined, sqlText } from './sql-text.ts';

/** Cells of one kind are looked up alike. */
interface Cell {
  readonly kind: 'text' | 'address' | Network;
  readonly literal: string;
}

export function isAddressOrNetwork(cell: string): boolean {
  const slash = cell.indexOf('/');
  return parseAddress(slash < 0 ? cell : cell.slice(0, slash)) !== undefined;
}

/** Whether an element of a field's addresses lies in one of the networks. */
export function inNetworks(x: string, networks: readonly Network[]): string {
  return inCells(
    [x],
    networks.map((network) => [networkCell(network)]),
  );
}

/** Whether elements of fields' addresses equal a row. */
export function equalsRow(xs: readonly string[], rows: readonly (readonly string[])[]): string {
  return inCells(
    xs,
    rows.map((row) => row.map(cellOf)),
  );
}

/** Whether texts equal a row. */
export function isInRows(xs: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${tuple(xs)} IN (${rows.map((row) => tuple(row.map(sqlText))).join(', ')})`;
}

function inCells(xs: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const byKinds = new Map<string, { readonly kinds: readonly Cell['kind'][]; readonly sets: Set<string> }>();
  for (const row of rows) {
    const kinds = row.map(({ kind }) => kind);
    const key = kinds
      .map((kind) => (typeof kind === 'string' ? kind : `${kind.family}/${kind.bits}`))
      .join(' ');
    const alike = byKinds.get(key) ?? { kinds, sets: new Set() };
    byKinds.set(key, alike);
    alike.sets.add(tuple(row.map(({ literal }) => literal)));
  }
  return joined(
    'or',
    [...byKinds.values()].map(({ kinds, sets }) => {
      const compared = kinds.map((kind, c) => comparedOf(xs[c]!, kind));
      return joined('and', [
        ...new Set(compared.flatMap(({ needs }) => needs)),
        `${tuple(compared.map(({ value }) => value))} IN (${[...sets].join(', ')})`,
      ]);
    }),
  );
}

/** What of an element of a field's addresses is looked up, and conditions without which it equals no cell. */
function comparedOf(
  x: string,
  kind: Cell['kind'],
): { readonly needs: readonly string[]; readonly value: string } {
  if (kind === 'text') return { needs: [], value: `${x}.1` };
  const needs = [`isNotNull(${x}.2)`];
  const value = `assumeNotNull(${x}.2)`;
  if (kind === 'address') return { needs, value };
  return {
    // An address lies in a network of IPv6 only if it is written as IPv6.
    needs: kind.family === 4 ? needs : [...needs, `position(${x}.1, ':') > 0`],
    value: `IPv6CIDRToRange(${value}, ${kind.bits}).1`,
  };
}

function cellOf(cell: string): Cell {
  if (!isAddressOrNetwork(cell)) return { kind: 'text', literal: sqlText(cell) };
  if (cell.includes('/')) return networkCell(parseNetwork(cell) as Network);
  return { kind: 'address', literal: addressText(parseAddress(cell)!.words) };
}

function networkCell(network: Network): Cell {
  return { kind: network, literal: addressText(network.words) };
}

/** As IPv6, for either family. */
function addressText([first, second, third, last]: Address): string {
  if (first === 0 && second === 0 && third === 0xffff)
    return `'::ffff:${[24, 16, 8, 0].map((shift) => (last! >>> shift) & 0xff).join('.')}'`;
  const groups = [first!, second!, third!, last!].flatMap((word) => [word >>> 16, word & 0xffff]);
  const text = groups.map((group) => group.toString(16)).join(':');
  return `'${text.replace(/^(?:0:){2,}|(?::0){2,}$/, '::')}'`;
}

function tuple(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : `(${parts.join(', ')})`;
}
