import { ActionIcon, Anchor, Button, Group, Paper, Text, Tooltip } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import type { BlocksRead } from '../../../api/types';
import { config } from '../../../config';
import { copy } from '../../../lib/clipboard';
import { plural } from '../../../lib/format';
import { blocksUrl, webUrl } from '../../../lib/url';
import { useSetting } from '../../../lib/useSetting';
import { settings } from '../../../settings';
import { readFigures } from './blocksRead';

/** Ids shown before all are asked for. */
const few = 24;
/** Ids that go into one address. */
const inAddress = 50;

function Ids({ ids, page }: { ids: readonly string[]; page: string }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <Group component="ul" gap="2px 16px" m={0} p={0} style={{ listStyle: 'none' }}>
        {(all ? ids : ids.slice(0, few)).map(id => {
          const url = blocksUrl(page, [id]);
          return (
            <Group component="li" key={id} gap={2} wrap="nowrap">
              {url === undefined ? (
                <Text span size="xs" className="mono">
                  {id}
                </Text>
              ) : (
                <Anchor size="xs" className="mono" href={url}>
                  {id}
                </Anchor>
              )}
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={`Copy ${id}`}
                onClick={() => void copy(id, 'Block')}
              >
                <IconCopy size={12} />
              </ActionIcon>
            </Group>
          );
        })}
      </Group>
      {ids.length > few && (
        <Button size="compact-xs" variant="subtle" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${ids.length}`}
        </Button>
      )}
    </>
  );
}

function Store({ store, page }: { store: BlocksRead; page: string }) {
  const { endpointAddr, blocks, moreBlocks = 0, stats } = store;
  const together = blocksUrl(page, blocks.slice(0, inAddress));
  return (
    <section aria-label={`Blocks read by ${endpointAddr}`}>
      <Group gap="xs" mt={6}>
        <Text size="sm">
          <b>{endpointAddr}</b> {plural(blocks.length + moreBlocks, 'block')}
        </Text>
        <Tooltip label="One id a line">
          <Button
            size="compact-xs"
            variant="default"
            disabled={blocks.length === 0}
            onClick={() => void copy(blocks.join('\n'), 'Blocks')}
          >
            Copy all
          </Button>
        </Tooltip>
        {together !== undefined && blocks.length > 1 && (
          <Anchor size="xs" href={together}>
            {blocks.length > inAddress ? `Show the first ${inAddress}` : 'Show them'} on the page of blocks
          </Anchor>
        )}
      </Group>
      {stats !== undefined && (
        <Text size="xs" c="dimmed">
          {readFigures(stats).join(' · ')}
        </Text>
      )}
      <Ids ids={blocks} page={page} />
    </section>
  );
}

/** The blocks behind an answer, by store; where the page of blocks is known, as links to it. */
export default function BlocksReadView({ stores }: { stores: readonly BlocksRead[] }) {
  const [own] = useSetting(settings.blocksPage);
  const page = own || config.features.blocksUrl;
  return (
    <Paper withBorder p="xs" my="xs" data-testid="blocks-read">
      <Text size="xs" c="dimmed">
        {stores.length === 0
          ? 'No endpoint told of blocks: those asked have none, or are store gateways of Thanos itself, which do not tell.'
          : 'Blocks that the endpoints have read for this answer. Sidecars have none, and store gateways of Thanos itself do not tell.'}
        {stores.length > 0 &&
          webUrl(page) === undefined &&
          ' They become links when the settings, or --query.blocks-url of the querier, name a page of blocks.'}
      </Text>
      {stores.map(store => (
        <Store key={store.endpointAddr} store={store} page={page} />
      ))}
    </Paper>
  );
}
