import type { ComponentType } from 'react';
import { config } from '../config';

export interface Page {
  title: string;
  load: () => Promise<{ default: ComponentType }>;
  /** Second key of the shortcut `g`. */
  key: string;
}

const loadBlocks: Page['load'] = () => import('../pages/blocks/BlocksPage');

/** Every page by its route; which of them a component has is in its data. */
export const pages: Record<string, Page> = {
  graph: { title: 'Query', key: 'q', load: () => import('../pages/query/QueryPage') },
  stores: { title: 'Endpoints', key: 'e', load: () => import('../pages/endpoints/EndpointsPage') },
  blocks: { title: config.component === 'compact' ? 'Global blocks' : 'Blocks', key: 'b', load: loadBlocks },
  loaded: { title: 'Loaded blocks', key: 'l', load: loadBlocks },
  alerts: { title: 'Alerts', key: 'a', load: () => import('../pages/alerts/AlertsPage') },
  rules: { title: 'Rules', key: 'r', load: () => import('../pages/rules/RulesPage') },
  targets: { title: 'Targets', key: 't', load: () => import('../pages/targets/TargetsPage') },
  'service-discovery': {
    title: 'Service discovery',
    key: 'd',
    load: () => import('../pages/discovery/DiscoveryPage'),
  },
  'tsdb-status': { title: 'TSDB status', key: 'c', load: () => import('../pages/tsdb/TsdbPage') },
  status: { title: 'Runtime & build', key: 's', load: () => import('../pages/status/StatusPage') },
  flags: { title: 'Flags', key: 'f', load: () => import('../pages/flags/FlagsPage') },
};

/** Other names of pages: Prometheus's query page, and Thanos's routes that have none of their own. */
const aliases: Record<string, string> = { query: 'graph', new: 'graph', global: 'blocks', '': config.home };

export interface Route {
  route: string;
  page: Page | null;
}

/** The page of a route; none when this component does not have it. */
export function findPage(name: string): Route {
  const route = aliases[name] ?? name;
  const page = pages[route];
  return { route, page: page !== undefined && config.pages.includes(route) ? page : null };
}

export function navPages(): [string, Page][] {
  return config.pages.flatMap(name =>
    pages[name] === undefined ? [] : [[name, pages[name]] as [string, Page]],
  );
}
