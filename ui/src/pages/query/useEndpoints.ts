import { useApi } from '../../api/hooks';
import type { Endpoint, Endpoints } from '../../api/types';

/** All endpoints, and those that do not answer health checks: queries go past these. */
export function useEndpoints(): { names: string[]; down: Endpoint[]; total: number } {
  const { data } = useApi<Endpoints | null>('stores', [['details', 'true']], 30_000);
  const all = Object.values(data?.data ?? {}).flat();
  return {
    names: all.map(endpoint => endpoint.name).sort(),
    down: all.filter(endpoint => endpoint.lastError !== null),
    total: all.length,
  };
}
