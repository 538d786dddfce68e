import { Alert, List, Text } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle, IconPlugConnectedX } from '@tabler/icons-react';
import type { Endpoint, QueryEndpoints } from '../../api/types';
import { plural } from '../../lib/format';
import { useClockSkew } from './useClockSkew';
import { useEndpoints } from './useEndpoints';

function Down({ down, total }: { down: Endpoint[]; total: number }) {
  return (
    <Alert
      color="orange"
      icon={<IconPlugConnectedX />}
      my="xs"
      role="status"
      title={`${down.length} of ${plural(total, 'endpoint')} down`}
    >
      <Text size="sm">Queries do not ask them, so results may lack their data without a warning.</Text>
      <List size="sm">
        {down.slice(0, 10).map(endpoint => (
          <List.Item key={endpoint.name}>
            <b>{endpoint.name}</b> <span className="break">{endpoint.lastError}</span>
          </List.Item>
        ))}
      </List>
      {down.length > 10 && <Text size="sm">and {down.length - 10} more</Text>}
    </Alert>
  );
}

/** What is wrong with all queries of the page: endpoints that are down, clocks that differ. */
export function PageBanners() {
  const { down, total } = useEndpoints();
  const skew = useClockSkew();
  return (
    <>
      {skew !== null && Math.abs(skew) > 30 && (
        <Alert color="yellow" icon={<IconAlertTriangle />} my="xs" role="status">
          The clocks of this browser and of the server are {Math.round(Math.abs(skew))} s apart: results may
          be old or missing.
        </Alert>
      )}
      {down.length > 0 && <Down down={down} total={total} />}
    </>
  );
}

function Notes({ color, title, texts }: { color: string; title: string; texts: string[] }) {
  if (texts.length === 0) return null;
  return (
    <Alert color={color} icon={<IconInfoCircle />} my="xs" role="status" title={title}>
      <List size="sm">
        {texts.map((text, index) => (
          <List.Item key={index} className="break">
            {text}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** Who did not answer this query; those above the panels, which no query asks, are not named again. */
function Asked({ endpoints }: { endpoints: QueryEndpoints }) {
  const known = new Set(useEndpoints().down.map(endpoint => endpoint.name));
  const failed = (endpoints.failed ?? []).map(({ name, error }) => `${name}: ${error}`);
  const down = (endpoints.down ?? [])
    .filter(name => !known.has(name))
    .map(name => `${name}: down, not asked`);
  return (
    <Notes
      color="orange"
      title={`Asked ${endpoints.asked} of ${plural(endpoints.total, 'endpoint')}`}
      texts={[...failed, ...down]}
    />
  );
}

interface Props {
  warnings: string[];
  infos: string[];
  endpoints: QueryEndpoints | undefined;
}

/** What is to be known of one result. */
export function ResultBanners({ warnings, infos, endpoints }: Props) {
  return (
    <>
      {endpoints !== undefined && <Asked endpoints={endpoints} />}
      <Notes color="yellow" title={plural(warnings.length, 'warning')} texts={warnings} />
      <Notes color="blue" title={plural(infos.length, 'note')} texts={infos} />
    </>
  );
}
