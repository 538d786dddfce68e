import { Button, Group, Modal, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { call } from '../../api/client';
import { humanDuration } from '../../lib/duration';
import { actions, type Block, type Mark, type MarkKind, markNames } from './types';

interface Props {
  block: Block;
  marks: Mark[];
  /** Seconds from the mark to the deletion; 0 when not known. */
  deleteDelay: number;
  onDone: () => void;
}

/** Marks a block or takes a mark back, and says how that went. */
export function MarkControls({ block, marks, deleteDelay, onDone }: Props) {
  const [asked, setAsked] = useState<{ kind: MarkKind; remove: boolean } | null>(null);
  const [detail, setDetail] = useState('');
  const [busy, setBusy] = useState(false);

  const close = (): void => {
    setAsked(null);
    // A reason that was not given is not that of the next mark.
    setDetail('');
  };

  const send = async (): Promise<void> => {
    if (asked === null) return;
    const { kind, remove } = asked;
    setBusy(true);
    try {
      await call(remove ? 'blocks/unmark' : 'blocks/mark', {
        method: 'POST',
        params: [
          ['id', block.id],
          ['action', actions[kind]],
          ...(remove ? [] : [['detail', detail] as [string, string]]),
        ],
      });
      const done = remove ? `is no longer marked for ${markNames[kind]}` : `is marked for ${markNames[kind]}`;
      notifications.show({ color: 'green', message: `${block.id} ${done}` });
      close();
      onDone();
    } catch (error) {
      notifications.show({
        color: 'red',
        title: 'The mark was not changed',
        message: (error as Error).message,
      });
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <Group gap={6}>
        {(Object.keys(actions) as MarkKind[]).map(kind => {
          const remove = marks.some(mark => mark.kind === kind);
          return (
            <Button
              key={kind}
              size="compact-sm"
              variant={remove ? 'filled' : 'default'}
              color={kind === 'deletion' ? 'red.8' : 'violet'}
              autoContrast={false}
              onClick={() => setAsked({ kind, remove })}
            >
              {remove ? 'Unmark' : 'Mark'}: {markNames[kind]}
            </Button>
          );
        })}
      </Group>
      <Modal
        opened={asked !== null}
        onClose={close}
        title={
          asked === null ? '' : `${asked.remove ? 'Take back the mark' : 'Mark'} for ${markNames[asked.kind]}`
        }
      >
        <Text size="sm" className="mono break">
          {block.id}
        </Text>
        {asked?.kind === 'deletion' && !asked.remove && (
          <Text size="sm" my="xs">
            The compactor deletes the block{' '}
            {deleteDelay > 0 ? `${humanDuration(deleteDelay * 1000)} after the mark` : 'after its delay'}.
          </Text>
        )}
        {asked !== null && !asked.remove && (
          <TextInput
            data-autofocus
            label="Reason (optional)"
            value={detail}
            onChange={event => setDetail(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            loading={busy}
            color={asked?.kind === 'deletion' && !asked.remove ? 'red.8' : 'violet'}
            onClick={() => void send()}
          >
            {asked?.remove ? 'Take back' : 'Mark'}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
