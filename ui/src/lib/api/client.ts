// One way out: every call to the server passes here, and every refusal comes back as an ApiProblem.
import { T } from '../texts';
import type { ProblemBody } from './types';

export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: { field: string; message: string }[];

  constructor(status: number, body: ProblemBody, requestId: string | null) {
    super(body.detail ?? body.title ?? T.problem.unknown);
    this.name = 'ApiProblem';
    this.status = status;
    this.title = body.title ?? T.problem.unknown;
    this.detail = body.detail ?? body.title ?? T.problem.unknown;
    this.requestId = body.requestId ?? requestId;
    this.errors = body.errors ?? [];
  }

  /** The server was not reached, or did not answer as a server of ours does. */
  get unreachable() {
    return this.status === 0;
  }
}

export interface Call {
  query?: Record<string, string | number | undefined | null> | undefined;
  body?: unknown;
  /** The version this change was made on; the server refuses it when the record has moved on. */
  version?: number | undefined;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

export async function call<A>(method: string, path: string, options: Call = {}): Promise<A> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query ?? {}))
    if (value !== undefined && value !== null && value !== '') query.set(key, String(value));
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.version !== undefined) headers['if-match'] = `"${options.version}"`;
  if (options.idempotencyKey) headers['idempotency-key'] = options.idempotencyKey;

  let answer: Response;
  try {
    answer = await fetch(path + (query.size ? `?${query}` : ''), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: 'same-origin',
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, { title: T.problem.unreachable, detail: T.problem.unreachableDetail }, null);
  }
  if (answer.status === 401) toLogin();
  if (answer.status === 204) return undefined as A;
  const text = await answer.text();
  let body: unknown = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (!answer.ok) {
    const problem = body !== null && typeof body === 'object' ? (body as ProblemBody) : {};
    throw new ApiProblem(answer.status, problem, answer.headers.get('x-request-id'));
  }
  // Begun, with nothing to tell yet.
  if (answer.status === 202 && text === '') return undefined as A;
  if (body === null)
    throw new ApiProblem(0, { title: T.problem.unreachable, detail: T.problem.unreachableDetail }, null);
  return body as A;
}

export function toLogin() {
  const next = location.pathname + location.search;
  location.assign(`/login?next=${encodeURIComponent(next)}`);
}
