import type { ConsoleSettings } from "@/api/console-settings";

/** Where Temporal's own UI shows a run's workflow, of its newest execution; null when that UI is not known. */
export function temporalUrl(
  settings: ConsoleSettings,
  runId: number,
  repairs: number,
): string | null {
  if (!settings.temporal_ui_url) return null;
  const workflow = repairs ? `run/${runId}/repair/${repairs}` : `run/${runId}`;
  const base = settings.temporal_ui_url.replace(/\/+$/, "");
  const namespace = encodeURIComponent(settings.temporal_namespace);
  return `${base}/namespaces/${namespace}/workflows/${encodeURIComponent(workflow)}`;
}
