/**
 * Finds the nodes of a graph that can reach themselves, in linear time: Tarjan, "Depth-first search and linear
 * graph algorithms" (1972), without recursion, so that long chains cannot overflow the stack.
 */

interface Visit<Node> {
  readonly node: Node;
  readonly successors: readonly Node[];
  /** Successors visited so far. */
  done: number;
}

/** Nodes on a cycle, in the order of the map. Every node is a key; successors that are not keys are ignored. */
export function onCycles<Node>(graph: ReadonlyMap<Node, readonly Node[]>): readonly Node[] {
  const order = new Map<Node, number>();
  const lowest = new Map<Node, number>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  const cyclic = new Set<Node>();
  const path: Visit<Node>[] = [];
  const enter = (node: Node): void => {
    lowest.set(node, order.size);
    order.set(node, order.size);
    open.push(node);
    isOpen.add(node);
    path.push({ node, successors: graph.get(node)!, done: 0 });
  };
  const lower = (node: Node, to: number): void => {
    if (to < lowest.get(node)!) lowest.set(node, to);
  };
  for (const start of graph.keys()) {
    if (!order.has(start)) enter(start);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const { node, successors } = visit;
      const next = successors[visit.done++];
      if (next !== undefined) {
        if (next === node) cyclic.add(node);
        if (!graph.has(next)) continue;
        if (!order.has(next)) enter(next);
        else if (isOpen.has(next)) lower(node, order.get(next)!);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent.node, lowest.get(node)!);
      if (lowest.get(node) !== order.get(node)) continue;
      const component = open.splice(open.lastIndexOf(node));
      for (const member of component) {
        isOpen.delete(member);
        if (component.length > 1) cyclic.add(member);
      }
    }
  }
  return [...graph.keys()].filter((node) => cyclic.has(node));
}
