import { config } from '../config';

/** An answer of the API: the data and what the server warns of. */
export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
  /** Length of the answer as text. */
  bytes: number;
  /** Id of the trace, when the server made one. */
  traceId: string | null;
}

/** What the server or the network refused. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly type: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Params = [name: string, value: string][];

export interface RequestOptions {
  params?: Params;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

interface Envelope {
  status?: string;
  data?: unknown;
  error?: string;
  errorType?: string;
  warnings?: string[];
  infos?: string[];
}

export function apiUrl(path: string, params: Params = []): string {
  const query = new URLSearchParams(params).toString();
  return `${config.prefix}/api/v1/${path}${query === '' ? '' : `?${query}`}`;
}

function parse(text: string): Envelope | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Envelope) : null;
  } catch {
    return null;
  }
}

/** Calls the API; a failure of any kind is an `ApiError` with a message for people. */
export async function call<T>(path: string, options: RequestOptions = {}): Promise<Answer<T>> {
  const { params = [], method = 'GET', headers = {}, signal } = options;
  const post = method === 'POST';
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiUrl(path, post ? [] : params), {
      method,
      headers: post ? { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' } : headers,
      body: post ? new URLSearchParams(params).toString() : null,
      signal: signal ?? null,
      credentials: 'same-origin',
    });
    text = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(
      `no answer from the server: ${error instanceof Error ? error.message : error}`,
      'network',
      0,
    );
  }
  const envelope = text === '' ? {} : parse(text);
  if (envelope?.status === 'error' || !response.ok) {
    const said = envelope?.error ?? (envelope === null ? text.slice(0, 500) : '');
    throw new ApiError(
      said || `the server answered ${response.status} ${response.statusText}`,
      envelope?.errorType ?? 'http',
      response.status,
    );
  }
  if (envelope === null) {
    throw new ApiError('the server answered something else than JSON', 'bad_response', response.status);
  }
  return {
    data: (envelope.data ?? null) as T,
    warnings: envelope.warnings ?? [],
    infos: envelope.infos ?? [],
    bytes: text.length,
    traceId: response.headers.get('X-Thanos-Trace-ID'),
  };
}
