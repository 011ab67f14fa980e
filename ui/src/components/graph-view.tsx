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
import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";
import { ErrorState } from "./states";

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
}

export interface GraphEdge {
  from: string;
  to: string;
  label?: string;
  /** Dashed: it is there, but not on this way. */
  faint?: boolean;
  /** Moving: something is under way on it. */
  live?: boolean;
}

export interface GraphProps {
  nodes: GraphNode[];
  edges: GraphEdge[];
  label: string;
  onOpen?: (id: string) => void;
  /** The node that is looked at; the view moves there when it changes. */
  focus?: string;
  miniMap?: boolean;
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
    layOut(nodes, edges)
      .then((found) => current && setPlaces(found))
      .catch((error: unknown) => current && setFailed(error));
    return () => {
      current = false;
    };
  }, [shape]);

  useEffect(() => {
    if (!places || !flow.current) return;
    void flow.current.fitView({
      padding: 0.15,
      maxZoom: 1,
      duration: 200,
      nodes: focus && places.has(focus) ? [{ id: focus }] : undefined,
    });
  }, [places, focus]);

  const drawn = useMemo(
    () => (places ? nodes.flatMap((node) => draw(node, places)) : []),
    [nodes, places],
  );
  const lines = useMemo(() => edges.map(connect), [edges]);

  if (failed) return <ErrorState error={failed} />;
  return (
    <section aria-label={label} className={cx("h-96", className)}>
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
          fitView
          fitViewOptions={{ padding: 0.15, maxZoom: 1 }}
          minZoom={0.05}
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

interface Content extends Record<string, unknown> {
  content: ReactNode;
}

function Box({ data }: NodeProps<Node<Content>>) {
  return (
    <>
      <Handle type="target" position={Position.Left} className="!opacity-0" />
      {data.content}
      <Handle type="source" position={Position.Right} className="!opacity-0" />
    </>
  );
}

const NODE_TYPES = { box: Box };

function draw(node: GraphNode, places: Map<string, Placed>): Node<Content>[] {
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
      data: { content: node.content },
    },
  ];
}

function connect(edge: GraphEdge): Edge {
  return {
    id: `${edge.from}→${edge.to}${edge.label ?? ""}`,
    source: edge.from,
    target: edge.to,
    label: edge.label,
    animated: edge.live,
    style: {
      stroke: "var(--line-strong)",
      strokeWidth: 1.5,
      strokeDasharray: edge.faint ? "4 4" : undefined,
    },
    labelStyle: { fill: "var(--ink-soft)", fontSize: 11 },
    labelBgStyle: { fill: "var(--surface)" },
    markerEnd: { type: MarkerType.ArrowClosed, color: "var(--line-strong)", width: 16, height: 16 },
  };
}

function shapeOf(nodes: GraphNode[], edges: GraphEdge[]): string {
  return JSON.stringify([
    nodes.map((node) => [node.id, node.parent, node.width, node.height]),
    edges.map((edge) => [edge.from, edge.to]),
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

/** Ask ELK for places; only the graph's shape matters to it. */
async function layOut(nodes: GraphNode[], edges: GraphEdge[]): Promise<Map<string, Placed>> {
  const { default: ELK } = await import("elkjs/lib/elk.bundled.js");
  const known = new Set(nodes.map((node) => node.id));
  const below = (parent?: string): ElkNode[] =>
    nodes
      .filter((node) => node.parent === parent)
      .map((node) => {
        const children = below(node.id);
        if (children.length === 0) return { id: node.id, width: node.width, height: node.height };
        const options = { "elk.padding": `[top=${node.height + 8},left=12,bottom=12,right=12]` };
        return { id: node.id, children, layoutOptions: { ...LAYOUT, ...options } };
      });
  const links: ElkExtendedEdge[] = edges
    .filter((edge) => known.has(edge.from) && known.has(edge.to))
    .map((edge, place) => ({ id: String(place), sources: [edge.from], targets: [edge.to] }));
  const laid = await new ELK().layout({
    id: "root",
    layoutOptions: LAYOUT,
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
