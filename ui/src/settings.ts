import { kept, setting } from './lib/storage';
import { isZone } from './lib/time';

const isString = (value: unknown): boolean => typeof value === 'string';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** Names of Thanos's pages are kept where the meaning is the same; its choice of local times holds until one is made here. */
export const settings = {
  zone: setting<string>(
    'timezone',
    kept('use-local-time') === true ? 'local' : 'UTC',
    value => typeof value === 'string' && isZone(value),
  ),
  keepHistory: setting('enable-query-history', true, isBoolean),
  autocomplete: setting('enable-autocomplete', true, isBoolean),
  highlighting: setting('enable-syntax-highlighting', true, isBoolean),
  linter: setting('enable-linter', true, isBoolean),
  /** Where alerts are silenced: no API of a querier tells. */
  alertmanager: setting<string>('alertmanager-url', '', isString),
  /** A page of blocks, in place of the one that the server names. */
  blocksPage: setting<string>('blocks-url', '', isString),
  /** Where traces are shown, `{trace}` standing for the id. */
  traces: setting<string>('trace-url', '', isString),
  history: setting<string[]>(
    'history',
    [],
    value => Array.isArray(value) && value.every(v => typeof v === 'string'),
  ),
  favourites: setting<string[]>(
    'query-favourites',
    [],
    value => Array.isArray(value) && value.every(v => typeof v === 'string'),
  ),
};
