/**
 * Which two snapshots are compared after a click on one; the older is `from`.
 *
 * A chosen one is let go; a third takes the place of the first of the two.
 *
 * @param chosen - At most two, in the order in which they were chosen or stand in the address.
 * @param order - All of them, newest first.
 */
export function chosenAfter(
  chosen: string[],
  clicked: string,
  order: string[],
): { from: string | undefined; to: string | undefined } {
  const after = chosen.includes(clicked)
    ? chosen.filter((each) => each !== clicked)
    : [...chosen.slice(-1), clicked];
  const [first, second] = after;
  if (first === undefined || second === undefined) return { from: first, to: undefined };
  const newerFirst = order.indexOf(first) < order.indexOf(second);
  return newerFirst ? { from: second, to: first } : { from: first, to: second };
}
