import { useQuery } from '@tanstack/react-query';
import { call } from '../../api/client';
import type { QueryData } from '../../api/types';

/** Seconds by which the server's clock is ahead of ours, half the way of the answer taken off. */
export function useClockSkew(): number | null {
  const { data } = useQuery({
    queryKey: ['clock'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const before = Date.now();
      const { data } = await call<QueryData>('query', { params: [['query', 'time()']], signal });
      const server = data.resultType === 'scalar' ? Number(data.result[1]) : before / 1000;
      return server - (before + Date.now()) / 2000;
    },
  });
  return data ?? null;
}
