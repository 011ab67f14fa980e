export interface Point {
  x: number;
  y: number;
}

const RADIUS = 10;

/** Draw a line through points as an SVG path, its corners rounded as far as there is room. */
export function roundedPath(points: Point[], radius = RADIUS): string {
  return points
    .map((at, place) => {
      const before = points[place - 1];
      const after = points[place + 1];
      if (!before) return `M ${spell(at)}`;
      if (!after) return `L ${spell(at)}`;
      const room = Math.min(radius, distance(before, at) / 2, distance(at, after) / 2);
      return `L ${spell(towards(at, before, room))} Q ${spell(at)} ${spell(towards(at, after, room))}`;
    })
    .join(" ");
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

function towards(from: Point, to: Point, by: number): Point {
  const share = by / (distance(from, to) || 1);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function spell({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
