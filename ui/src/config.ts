import { setNonce } from 'get-nonce';

export type Component = 'query' | 'rule' | 'store' | 'compact' | 'bucket';

/** What a component offers; which keys are used depends on the component. */
export interface Features {
  /** Base address of the querier that rules link to. */
  queryUrl: string;
  /** Page of blocks that the blocks of a query link to. */
  blocksUrl: string;
  tenantHeader: string;
  defaultTenant: string;
  tenantBox: boolean;
  defaultEngine: string;
  mode: 'local' | 'distributed';
  /** Least automatic step, seconds. */
  defaultStep: number;
  partialResponse: boolean;
  autoDownsampling: boolean;
  replicaLabels: string[];
  formatQuery: boolean;
  parseQuery: boolean;
  explain: boolean;
  analyze: boolean;
  /** May blocks be marked? */
  adminOperations: boolean;
  blockViews: ('global' | 'loaded')[];
  /** Does `/blocks/plan` exist? */
  plan: boolean;
  /** Seconds by resolution; 0 keeps for ever. */
  retention: Record<string, number>;
  /** Seconds between the deletion mark and the deletion. */
  deleteDelay: number;
}

/** Data of the index page, written by the server. */
export interface Config {
  component: Component;
  /** Path under which a browser sees the pages; no slash at the end. */
  prefix: string;
  version: string;
  /** Allows style elements made by script under the content security policy. */
  nonce: string;
  /** Pages of the navigation, in order. */
  pages: string[];
  /** Where `/` goes. */
  home: string;
  features: Features;
}

const defaultFeatures: Features = {
  queryUrl: '',
  blocksUrl: '',
  tenantHeader: 'THANOS-TENANT',
  defaultTenant: 'default-tenant',
  tenantBox: false,
  defaultEngine: 'prometheus',
  mode: 'local',
  defaultStep: 1,
  partialResponse: true,
  autoDownsampling: false,
  replicaLabels: [],
  formatQuery: true,
  parseQuery: true,
  explain: true,
  analyze: true,
  adminOperations: false,
  blockViews: ['loaded'],
  plan: false,
  retention: {},
  deleteDelay: 0,
};

const defaults: Config = {
  component: 'query',
  prefix: '',
  version: '',
  nonce: '',
  pages: [
    'graph',
    'stores',
    'alerts',
    'rules',
    'targets',
    'service-discovery',
    'tsdb-status',
    'status',
    'flags',
  ],
  home: 'graph',
  features: defaultFeatures,
};

/** `given` over `base`, key by key, where the types agree. */
function over<T extends object>(base: T, given: unknown): T {
  const result = { ...base };
  if (typeof given !== 'object' || given === null) return result;
  for (const key of Object.keys(base) as (keyof T)[]) {
    const value = (given as Partial<T>)[key];
    if (
      typeof value === typeof base[key] &&
      value !== null &&
      Array.isArray(value) === Array.isArray(base[key])
    ) {
      result[key] = value as T[keyof T];
    }
  }
  return result;
}

/** Reads the data of the index page; whatever is missing or of another type keeps its default. */
export function readConfig(text: string | null | undefined): Config {
  let given: unknown = {};
  try {
    given = JSON.parse(text ?? '{}');
  } catch {
    // Served by something that does not fill it in: the defaults are the data.
  }
  const result = over(defaults, given);
  result.features = over(defaultFeatures, result.features);
  result.prefix = result.prefix.replace(/\/+$/, '');
  return result;
}

export const config: Config = readConfig(
  typeof document === 'undefined' ? null : document.getElementById('thanos-data')?.textContent,
);

if (config.nonce !== '') setNonce(config.nonce);
