import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type Answer, call, type Params } from './client';

/** GET of an API by page; refreshed only when asked or every `every` milliseconds. */
export function useApi<T>(
  path: string,
  params: Params = [],
  every: number | false = false,
): UseQueryResult<Answer<T>> {
  return useQuery({
    queryKey: [path, params],
    queryFn: ({ signal }) => call<T>(path, { params, signal }),
    refetchInterval: every,
  });
}
