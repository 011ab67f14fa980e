import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.gen";

/** Models of the API by name: `Schema["JobView"]`. */
export type Schema = components["schemas"];

/**
 * A request's body, of which the fields with defaults may be left out.
 *
 * The generated types have such fields always there, as they are in answers.
 */
export function body<T>(given: Partial<NoInfer<NonNullable<T>>>): NonNullable<T> {
  return given as NonNullable<T>;
}

/** What the API says went wrong, in its own words: they say what to do. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: unknown[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server could not be reached at all. */
export class OfflineError extends Error {
  constructor() {
    super("OpenLake does not answer. It is tried again until it does.");
    this.name = "OfflineError";
  }
}

/** The workspace of this page: the search parameter `o`, as in Databricks' URLs. */
export function currentWorkspace(): string | null {
  return new URLSearchParams(location.search).get("o");
}

const inWorkspace: Middleware = {
  onRequest({ request }) {
    const workspace = currentWorkspace();
    if (workspace) request.headers.set("X-Databricks-Org-Id", workspace);
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await errorOf(response);
  },
  onError() {
    return new OfflineError();
  },
};

async function errorOf(response: Response): Promise<Error> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { error_code?: string; message?: string; details?: unknown[] };
    if (body.message)
      return new ApiError(
        response.status,
        body.error_code ?? `HTTP ${response.status}`,
        body.message,
        body.details ?? [],
      );
  } catch {
    // A proxy in between answers in HTML.
  }
  if (response.status >= 502 && response.status <= 504) return new OfflineError();
  return new ApiError(response.status, `HTTP ${response.status}`, text || response.statusText);
}

/** The REST API, typed by its OpenAPI document. A refusal is thrown as `ApiError`. */
export const api = createClient<paths>({ baseUrl: "/" });
api.use(inWorkspace);

/** Return the data of an answer: `await data(api.GET("/api/…"))`. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data: found } = await answer;
  return found as T;
}

/** The `{version}` of the jobs API that the console speaks. */
export const JOBS_VERSION = "2.2";

/** Ask for a path of the API that gives no JSON: a log, a file; the same errors as `api`. */
export async function fetchRaw(path: string, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers);
  const workspace = currentWorkspace();
  if (workspace) headers.set("X-Databricks-Org-Id", workspace);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new OfflineError();
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** A link for the browser itself (a download, an event stream), which cannot set headers. */
export function inWorkspaceUrl(path: string): string {
  const workspace = currentWorkspace();
  if (!workspace) return path;
  return `${path}${path.includes("?") ? "&" : "?"}o=${encodeURIComponent(workspace)}`;
}
