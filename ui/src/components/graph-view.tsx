import {
  Background,
  BaseEdge,
  Controls,
  type Edge,
  type EdgeMarker,
  type EdgeProps,
  getViewportForBounds,
  Handle,
  MarkerType,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  type ReactFlowInstance,
  type ReactFlowState,
  useStore,
  type Viewport,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import ELK, { type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk-api";
import elkWorker from "elkjs/lib/elk-worker.min.js?url";
import {
  type CSSProperties,
  Fragment,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";
import { type Point, roundedPath } from "./graph-path";
import { ErrorState, Skeleton } from "./states";

export interface GraphNode {
  id: string;
  /** What is drawn; it gets the width and height that are named here. */
  content: ReactNode;
  /** In words, for those who do not see it. */
  label: string;
  /** Any CSS colour: of the node on the overview, and of all of it when seen from far away. */
  fill?: string;
  width: number;
  height: number;
  /** The node that this one is drawn inside of. */
  parent?: string;
  /** Places on both of its sides where edges may begin and end, so far from its top. */
  ports?: { id: string; y: number }[];
}

export interface GraphEdge {
  from: string;
  to: string;
  label?: string;
  /** Dashed: it is there, but not on this way. */
  faint?: boolean;
  /** Moving: something is under way on it. */
  live?: boolean;
  /** At a port of a node rather than at its middle. */
  fromPort?: string;
  toPort?: string;
  /** It goes both ways; nodes are placed as if it went this way. */
  both?: boolean;
  /** Drawn besides: nodes are placed as if it were not there. */
  overlay?: boolean;
  /** What is looked at stands out; what is beside it steps back. */
  tone?: "strong" | "weak";
}

export interface GraphProps {
  nodes: GraphNode[];
  edges: GraphEdge[];
  label: string;
  onOpen?: (id: string) => void;
  /** The node that is looked at; the view moves there when it changes. */
  focus?: string;
  miniMap?: boolean;
  /** Runs from top to bottom, not from left to right. */
  down?: boolean;
  /** Edges go around the nodes in straight lines, their labels where there is room for them. */
  routed?: boolean;
  className?: string;
}

interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where an edge goes along, and where its label stands. */
interface Route {
  points: Point[];
  label?: Point;
}

interface Plan {
  /** Of which graph. */
  shape: string;
  places: Map<string, Placed>;
  /** By the edges' names. */
  routes: Map<string, Route>;
}

/** See `Graph`; this is the part that is loaded late. Places are kept while only contents change. */
export default function GraphView({
  nodes,
  edges,
  label,
  onOpen,
  focus,
  miniMap,
  down = false,
  routed = false,
  className,
}: GraphProps) {
  const shape = shapeOf(nodes, edges);
  const [plan, setPlan] = useState<Plan | null>(null);
  const places = plan?.places ?? null;
  const moved = useRef(false);
  const [failed, setFailed] = useState<unknown>(null);
  const flow = useRef<ReactFlowInstance<Node<Content>> | null>(null);
  const dark = useDark();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for nodes and edges
  useEffect(() => {
    let current = true;
    layOut(nodes, edges, down)
      .then((found) => current && setPlan({ ...found, shape }))
      .catch((error: unknown) => current && setFailed(error));
    return () => {
      current = false;
    };
  }, [shape, down]);

  const parents = useMemo(() => new Map(nodes.map((node) => [node.id, node.parent])), [nodes]);
  const section = useRef<HTMLElement>(null);
  const seen = useRef("");
  function look(): void {
    if (!places || !flow.current) return;
    const place = focus ? absolute(focus, places, parents) : undefined;
    const ids = [...places.keys()].join(" ");
    const duration = nodes.length > MANY ? 0 : 200;
    const box = section.current?.getBoundingClientRect();
    if (place) lookAt(flow.current, place, box, duration);
    // Only a graph of other nodes is shown as a whole again: people keep their place. Not by the
    // library's own `fitView`, which waits for nodes to be measured and undoes what came meanwhile.
    else if (seen.current !== ids && box)
      void flow.current.setViewport(wholeOf(places, parents, box), { duration });
    seen.current = ids;
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the view moves by these alone, not when contents change
  useEffect(look, [places, focus]);

  // A panel that opens beside the graph takes room from it; who has moved the view keeps it.
  const here = places !== null;
  const refit = useRef(look);
  refit.current = () => {
    const box = section.current?.getBoundingClientRect();
    if (moved.current || !places || !box) return;
    const whole = wholeOf(places, parents, box);
    if (focus && whole.zoom < READABLE) look();
    else void flow.current?.setViewport(whole);
  };
  useEffect(() => {
    if (!section.current || !here) return;
    const watch = new ResizeObserver(() => refit.current());
    watch.observe(section.current);
    return () => watch.disconnect();
  }, [here]);

  const drawn = useMemo(
    () => (places ? nodes.flatMap((node) => draw(node, places, down)) : []),
    [nodes, places, down],
  );
  const routes = routed && plan?.shape === shape ? plan.routes : undefined;
  // What stands out is drawn last, so that nothing crosses it.
  const lines = useMemo(
    () =>
      [...edges]
        .sort((a, b) => weight(a) - weight(b))
        .map((edge) => connect(edge, routes?.get(nameOf(edge)))),
    [edges, routes],
  );

  if (failed) return <ErrorState error={failed} />;
  return (
    <section ref={section} aria-label={label} className={cx("h-96", className)}>
      {!places && <Skeleton lines={5} />}
      {places && (
        <ReactFlow
          nodes={drawn}
          edges={lines}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onMoveStart={(event) => {
            if (event) moved.current = true;
          }}
          colorMode={dark ? "dark" : "light"}
          onInit={(made) => {
            flow.current = made;
            look();
          }}
          onNodeClick={(_event, node) => onOpen?.(node.id)}
          onKeyDown={(event) => {
            const node = (event.target as Element).closest<HTMLElement>(".react-flow__node");
            if (event.key === "Enter" && node?.dataset.id) onOpen?.(node.dataset.id);
          }}
          minZoom={LEAST_ZOOM}
          onlyRenderVisibleElements={nodes.length > MANY}
          nodesDraggable={false}
          nodesConnectable={false}
          edgesFocusable={false}
          elementsSelectable={Boolean(onOpen)}
          proOptions={{ hideAttribution: true }}
          style={CONTROLS}
        >
          <Background gap={22} size={1} color="var(--line)" bgColor="var(--surface)" />
          <Controls showInteractive={false} />
          {miniMap && (
            <MiniMap
              pannable
              zoomable
              ariaLabel="Overview of the graph"
              bgColor="var(--canvas)"
              maskColor="color-mix(in oklab, var(--sunken) 70%, transparent)"
              nodeColor={(node: Node<Content>) => node.data.fill ?? "var(--calm-fill)"}
              style={{ border: "1px solid var(--line)", width: 160, height: 110 }}
            />
          )}
        </ReactFlow>
      )}
    </section>
  );
}

/** From so many nodes on only those in sight are drawn, and they are placed in a simpler way. */
const MANY = 150;

interface Content extends Record<string, unknown> {
  content: ReactNode;
  ports?: GraphNode["ports"];
  fill?: string;
  down: boolean;
}

/** The places in the middle of a node's sides. */
const IN = "in";
const OUT = "out";
const UNSEEN = "!pointer-events-none !opacity-0";

const FAR = 0.3;

/** So far away that nothing can be read. */
function isFar({ transform }: ReactFlowState): boolean {
  return transform[2] < FAR;
}

function Box({ data }: NodeProps<Node<Content>>) {
  const far = useStore(isFar);
  return (
    <>
      <Handle
        id={IN}
        type="target"
        position={data.down ? Position.Top : Position.Left}
        className={UNSEEN}
      />
      {data.ports?.map(({ id, y }) => (
        <Fragment key={id}>
          <Handle
            id={id}
            type="target"
            position={Position.Left}
            style={{ top: y }}
            className={UNSEEN}
          />
          <Handle
            id={id}
            type="source"
            position={Position.Right}
            style={{ top: y }}
            className={UNSEEN}
          />
        </Fragment>
      ))}
      {far && data.fill ? (
        <div className="size-full rounded-lg" style={{ background: data.fill }} />
      ) : (
        data.content
      )}
      <Handle
        id={OUT}
        type="source"
        position={data.down ? Position.Bottom : Position.Right}
        className={UNSEEN}
      />
    </>
  );
}

const NODE_TYPES = { box: Box };

interface Line extends Record<string, unknown>, Route {}

/** An edge along its route. */
function Routed({ data, label, labelStyle, labelBgStyle, ...edge }: EdgeProps<Edge<Line>>) {
  const at = data?.label ?? data?.points[0];
  return (
    <BaseEdge
      id={edge.id}
      path={roundedPath(data?.points ?? [])}
      markerEnd={edge.markerEnd}
      markerStart={edge.markerStart}
      style={edge.style}
      label={label}
      labelX={at?.x}
      labelY={at?.y}
      labelStyle={labelStyle}
      labelBgStyle={labelBgStyle}
    />
  );
}

const EDGE_TYPES = { routed: Routed };

const CONTROLS = {
  "--xy-controls-button-background-color": "var(--raised)",
  "--xy-controls-button-background-color-hover": "var(--sunken)",
  "--xy-controls-button-color": "var(--ink-soft)",
  "--xy-controls-button-color-hover": "var(--ink)",
  "--xy-controls-button-border-color": "var(--line)",
} as CSSProperties;

const READABLE = 0.6;
const LEAST_ZOOM = 0.05;

/** From where the whole graph is seen. */
function wholeOf(
  places: Map<string, Placed>,
  parents: Map<string, string | undefined>,
  box: DOMRect,
): Viewport {
  const outer = [...places].filter(([id]) => !parents.get(id)).map(([, place]) => place);
  const width = Math.max(1, ...outer.map((place) => place.x + place.width));
  const height = Math.max(1, ...outer.map((place) => place.y + place.height));
  const bounds = { x: 0, y: 0, width, height };
  return getViewportForBounds(bounds, box.width, box.height, LEAST_ZOOM, 1, 0.1);
}

/** Where a node is on the whole graph; its own place is inside its parent. */
function absolute(
  id: string,
  places: Map<string, Placed>,
  parents: Map<string, string | undefined>,
): Placed | undefined {
  const own = places.get(id);
  if (!own) return undefined;
  let { x, y } = own;
  for (let above = parents.get(id); above; above = parents.get(above)) {
    x += places.get(above)?.x ?? 0;
    y += places.get(above)?.y ?? 0;
  }
  return { ...own, x, y };
}

/** Move the view to a place, unless it is in sight and can be read. */
function lookAt(
  flow: ReactFlowInstance<Node<Content>>,
  place: Placed,
  box: DOMRect | undefined,
  duration: number,
): void {
  const { x, y, zoom } = flow.getViewport();
  const left = place.x * zoom + x;
  const top = place.y * zoom + y;
  const inSight =
    box !== undefined &&
    left >= 0 &&
    top >= 0 &&
    left + place.width * zoom <= box.width &&
    top + Math.min(place.height * zoom, box.height) <= box.height;
  if (inSight && zoom >= READABLE) return;
  void flow.setCenter(place.x + place.width / 2, place.y + Math.min(place.height, 400) / 2, {
    zoom: Math.max(zoom, 0.85),
    duration,
  });
}

function draw(node: GraphNode, places: Map<string, Placed>, down: boolean): Node<Content>[] {
  const place = places.get(node.id);
  if (!place) return [];
  return [
    {
      id: node.id,
      type: "box",
      position: { x: place.x, y: place.y },
      width: place.width,
      height: place.height,
      parentId: node.parent,
      ariaLabel: node.label,
      data: { content: node.content, ports: node.ports, fill: node.fill, down },
    },
  ];
}

function weight({ tone }: GraphEdge): number {
  return tone === "strong" ? 2 : tone === "weak" ? 0 : 1;
}

const STROKES = { plain: "var(--line-strong)", strong: "var(--accent)", weak: "var(--line)" };

function nameOf(edge: GraphEdge): string {
  return [edge.from, edge.fromPort, "→", edge.to, edge.toPort, edge.label].join(" ");
}

function connect(edge: GraphEdge, route?: Route): Edge {
  const stroke = STROKES[edge.tone ?? "plain"];
  return {
    id: nameOf(edge),
    ...(route ? { type: "routed", data: { ...route } } : {}),
    source: edge.from,
    target: edge.to,
    sourceHandle: edge.fromPort ?? OUT,
    targetHandle: edge.toPort ?? IN,
    label: edge.label,
    animated: edge.live,
    style: {
      stroke,
      strokeWidth: edge.tone === "strong" ? 2 : 1.5,
      strokeDasharray: edge.faint ? "4 4" : undefined,
    },
    labelStyle: { fill: "var(--ink-soft)", fontSize: 11 },
    labelBgStyle: { fill: "var(--surface)" },
    markerEnd: edge.overlay ? undefined : arrow(stroke),
    markerStart: edge.both ? arrow(stroke, "auto-start-reverse") : undefined,
  };
}

function arrow(color: string, orient?: string): EdgeMarker {
  return { type: MarkerType.ArrowClosed, color, width: 16, height: 16, orient };
}

function shapeOf(nodes: GraphNode[], edges: GraphEdge[]): string {
  return JSON.stringify([
    nodes.map((node) => [node.id, node.parent, node.width, node.height]),
    edges.flatMap((edge) => (edge.overlay ? [] : [[edge.from, edge.to, edge.label]])),
  ]);
}

const LAYOUT = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.layered.spacing.nodeNodeBetweenLayers": "56",
  "elk.spacing.nodeNode": "20",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeLabels.inline": "true",
};
const DOWNWARDS = {
  "elk.direction": "DOWN",
  "elk.layered.spacing.nodeNodeBetweenLayers": "44",
  "elk.spacing.nodeNode": "28",
};
const SIMPLER = { "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF" };

/** ELK, in a thread of its own: large graphs take it a second, and the page stays alive. */
const elk = new ELK({ workerFactory: () => new Worker(elkWorker) });

/** Ask ELK for places; only the graph's shape matters to it. */
async function layOut(
  nodes: GraphNode[],
  edges: GraphEdge[],
  down: boolean,
): Promise<Omit<Plan, "shape">> {
  const layout = { ...LAYOUT, ...(down ? DOWNWARDS : {}) };
  const known = new Set(nodes.map((node) => node.id));
  const below = (parent?: string): ElkNode[] =>
    nodes
      .filter((node) => node.parent === parent)
      .map((node) => {
        const children = below(node.id);
        if (children.length === 0) return { id: node.id, width: node.width, height: node.height };
        const options = { "elk.padding": `[top=${node.height + 8},left=12,bottom=12,right=12]` };
        return { id: node.id, children, layoutOptions: { ...layout, ...options } };
      });
  const links = edges.flatMap((edge): ElkExtendedEdge[] => {
    if (edge.overlay || !known.has(edge.from) || !known.has(edge.to)) return [];
    const labels = edge.label ? [{ text: edge.label, ...sizeOf(edge.label) }] : [];
    return [{ id: nameOf(edge), sources: [edge.from], targets: [edge.to], labels }];
  });
  const laid = await elk.layout({
    id: "root",
    layoutOptions: nodes.length > MANY ? { ...layout, ...SIMPLER } : layout,
    children: below(),
    edges: links,
  });
  const places = new Map<string, Placed>();
  const collect = (node: ElkNode) => {
    for (const child of node.children ?? []) {
      const { x = 0, y = 0, width = 0, height = 0 } = child;
      places.set(child.id, { x, y, width, height });
      collect(child);
    }
  };
  collect(laid);
  return { places, routes: routesOf(laid) };
}

const LETTER = 6;
const LINE_HEIGHT = 16;

function sizeOf(label: string): { width: number; height: number } {
  return { width: label.length * LETTER + 10, height: LINE_HEIGHT };
}

/** The ways that ELK found; those inside a box are told in the box's own measure, and left out. */
function routesOf(laid: ElkNode): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const edge of laid.edges ?? []) {
    const way = edge.sections?.[0];
    const inside = (edge as { container?: string }).container ?? laid.id;
    if (!way || inside !== laid.id) continue;
    const told = edge.labels?.[0];
    routes.set(edge.id, {
      points: [way.startPoint, ...(way.bendPoints ?? []), way.endPoint],
      label: told && {
        x: (told.x ?? 0) + (told.width ?? 0) / 2,
        y: (told.y ?? 0) + LINE_HEIGHT / 2,
      },
    });
  }
  return routes;
}
