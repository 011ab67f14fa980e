import {
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  type ReactFlowInstance,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import ELK, { type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk-api";
import elkWorker from "elkjs/lib/elk-worker.min.js?url";
import { Fragment, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";
import { ErrorState, Skeleton } from "./states";

export interface GraphNode {
  id: string;
  /** What is drawn; it gets the width and height that are named here. */
  content: ReactNode;
  /** In words, for those who do not see it. */
  label: string;
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
  /** Drawn over the graph: nodes are placed as if it were not there. */
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
  className?: string;
}

interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
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
  className,
}: GraphProps) {
  const shape = shapeOf(nodes, edges);
  const [places, setPlaces] = useState<Map<string, Placed> | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const flow = useRef<ReactFlowInstance<Node<Content>> | null>(null);
  const dark = useDark();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for nodes and edges
  useEffect(() => {
    let current = true;
    layOut(nodes, edges, down)
      .then((found) => current && setPlaces(found))
      .catch((error: unknown) => current && setFailed(error));
    return () => {
      current = false;
    };
  }, [shape, down]);

  useEffect(() => {
    if (!places || !flow.current) return;
    void flow.current.fitView({
      padding: 0.1,
      maxZoom: 1,
      duration: 200,
      nodes: focus && places.has(focus) ? [{ id: focus }] : undefined,
    });
  }, [places, focus]);

  const drawn = useMemo(
    () => (places ? nodes.flatMap((node) => draw(node, places, down)) : []),
    [nodes, places, down],
  );
  const lines = useMemo(() => edges.map(connect), [edges]);

  if (failed) return <ErrorState error={failed} />;
  return (
    <section aria-label={label} className={cx("h-96", className)}>
      {!places && <Skeleton lines={5} />}
      {places && (
        <ReactFlow
          nodes={drawn}
          edges={lines}
          nodeTypes={NODE_TYPES}
          colorMode={dark ? "dark" : "light"}
          onInit={(made) => {
            flow.current = made;
          }}
          onNodeClick={(_event, node) => onOpen?.(node.id)}
          onKeyDown={(event) => {
            const node = (event.target as Element).closest<HTMLElement>(".react-flow__node");
            if (event.key === "Enter" && node?.dataset.id) onOpen?.(node.dataset.id);
          }}
          fitView
          fitViewOptions={{ padding: 0.1, maxZoom: 1 }}
          minZoom={0.05}
          onlyRenderVisibleElements={nodes.length > MANY}
          nodesDraggable={false}
          nodesConnectable={false}
          edgesFocusable={false}
          elementsSelectable={Boolean(onOpen)}
          proOptions={{ hideAttribution: true }}
        >
          <Background gap={22} size={1} color="var(--line)" bgColor="var(--surface)" />
          <Controls showInteractive={false} />
          {miniMap && <MiniMap pannable zoomable ariaLabel="Overview of the graph" />}
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
  down: boolean;
}

const UNSEEN = "!pointer-events-none !opacity-0";

function Box({ data }: NodeProps<Node<Content>>) {
  return (
    <>
      <Handle
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
      {data.content}
      <Handle
        type="source"
        position={data.down ? Position.Bottom : Position.Right}
        className={UNSEEN}
      />
    </>
  );
}

const NODE_TYPES = { box: Box };

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
      data: { content: node.content, ports: node.ports, down },
    },
  ];
}

const STROKES = { plain: "var(--line-strong)", strong: "var(--accent)", weak: "var(--line)" };

function connect(edge: GraphEdge): Edge {
  const stroke = STROKES[edge.tone ?? "plain"];
  return {
    id: [edge.from, edge.fromPort, "→", edge.to, edge.toPort, edge.label].join(" "),
    source: edge.from,
    target: edge.to,
    sourceHandle: edge.fromPort,
    targetHandle: edge.toPort,
    label: edge.label,
    animated: edge.live,
    zIndex: edge.tone === "strong" ? 2 : edge.overlay ? 1 : 0,
    style: {
      stroke,
      strokeWidth: edge.tone === "strong" ? 2 : 1.5,
      strokeDasharray: edge.faint ? "4 4" : undefined,
    },
    labelStyle: { fill: "var(--ink-soft)", fontSize: 11 },
    labelBgStyle: { fill: "var(--surface)" },
    markerEnd: edge.overlay
      ? undefined
      : { type: MarkerType.ArrowClosed, color: stroke, width: 16, height: 16 },
  };
}

function shapeOf(nodes: GraphNode[], edges: GraphEdge[]): string {
  return JSON.stringify([
    nodes.map((node) => [node.id, node.parent, node.width, node.height]),
    edges.flatMap((edge) => (edge.overlay ? [] : [[edge.from, edge.to]])),
  ]);
}

const LAYOUT = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.layered.spacing.nodeNodeBetweenLayers": "56",
  "elk.spacing.nodeNode": "20",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
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
): Promise<Map<string, Placed>> {
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
  const links: ElkExtendedEdge[] = edges
    .filter((edge) => !edge.overlay && known.has(edge.from) && known.has(edge.to))
    .map((edge, place) => ({ id: String(place), sources: [edge.from], targets: [edge.to] }));
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
  return places;
}
