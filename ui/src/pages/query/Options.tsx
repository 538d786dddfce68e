import { Group, MultiSelect, Select, Switch, Tooltip } from '@mantine/core';
import { DraftInput } from '../../components/DraftInput';
import { config } from '../../config';
import type { Panel } from './panel';
import { useEndpoints } from './useEndpoints';

interface Props {
  panel: Panel;
  onChange: (change: Partial<Panel>) => void;
  forceTracing: boolean;
  onForceTracing: (on: boolean) => void;
}

/** How the query is answered: by whom, and what of it. All but tracing is in the URL. */
export function Options({ panel, onChange, forceTracing, onForceTracing }: Props) {
  const { names } = useEndpoints();
  const prometheus = panel.engine === 'prometheus';
  const known = [...new Set([...names, ...panel.stores])];
  return (
    <Group gap="md" mt="xs">
      <Switch
        size="xs"
        label="Deduplication"
        checked={panel.deduplicate}
        onChange={event => onChange({ deduplicate: event.currentTarget.checked })}
      />
      <Switch
        size="xs"
        label="Partial response"
        checked={panel.partialResponse}
        onChange={event => onChange({ partialResponse: event.currentTarget.checked })}
      />
      {config.features.analyze && (
        <Tooltip label="Needs the engine “thanos”" disabled={!prometheus}>
          <Switch
            size="xs"
            label="Analyze"
            checked={panel.analyze && !prometheus}
            disabled={prometheus}
            onChange={event => onChange({ analyze: event.currentTarget.checked })}
          />
        </Tooltip>
      )}
      <Switch
        size="xs"
        label="Blocks read"
        checked={panel.blocks}
        onChange={event => onChange({ blocks: event.currentTarget.checked })}
      />
      <Switch
        size="xs"
        label="Force tracing"
        checked={forceTracing}
        onChange={event => onForceTracing(event.currentTarget.checked)}
      />
      <Select
        size="xs"
        w={170}
        aria-label="Engine"
        allowDeselect={false}
        data={[
          { value: 'prometheus', label: 'Engine: Prometheus' },
          { value: 'thanos', label: 'Engine: Thanos' },
        ]}
        value={panel.engine}
        onChange={engine =>
          engine !== null && onChange({ engine, ...(engine === 'prometheus' ? { analyze: false } : {}) })
        }
      />
      {config.features.tenantBox && (
        <DraftInput
          size="xs"
          w={150}
          aria-label="Tenant"
          placeholder="Tenant"
          value={panel.tenant}
          check={() => null}
          onApply={tenant => onChange({ tenant })}
        />
      )}
      <MultiSelect
        size="xs"
        miw={220}
        maw={520}
        aria-label="Only these endpoints"
        placeholder={panel.stores.length === 0 ? 'All endpoints' : ''}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': 'All endpoints' }}
        data={known}
        value={panel.stores}
        onChange={stores => onChange({ stores })}
      />
    </Group>
  );
}
