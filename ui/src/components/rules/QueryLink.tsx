import { Code } from '@mantine/core';
import { Link } from '../../app/Link';
import { pageUrl } from '../../app/router';
import { config } from '../../config';

export function queryUrl(expr: string, graph = false): string {
  const params = new URLSearchParams({
    'g0.expr': expr,
    'g0.tab': graph ? '0' : '1',
    'g0.range_input': '1h',
  });
  return config.pages.includes('graph')
    ? pageUrl('graph', `?${params}`)
    : `${config.features.queryUrl.replace(/\/+$/, '')}/graph?${params}`;
}

/** An expression that opens the query page. */
export function QueryLink({ expr }: { expr: string }) {
  return (
    <Link href={queryUrl(expr)} title="Run this query">
      <Code className="break">{expr}</Code>
    </Link>
  );
}
