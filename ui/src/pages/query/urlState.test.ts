import { describe, expect, it } from 'vitest';
import { newPanel } from './panel';
import { parsePanels, printPanels } from './urlState';

const defaults = {
  engine: 'prometheus',
  tenant: 'default-tenant',
  partialResponse: true,
  autoDownsampling: false,
};
const parse = (search: string) => parsePanels(search, defaults);

describe('panels of a URL', () => {
  it('reads the links of alerts', () => {
    const [panel, ...others] = parse('?g0.expr=up+%3D%3D+0&g0.tab=1&g0.stacked=0&g0.range_input=1h');
    expect(others).toEqual([]);
    expect(panel).toMatchObject({ expr: 'up == 0', tab: 'table', display: 'lines', range: 3_600_000 });
  });

  it('reads all parameters of Thanos, in any order', () => {
    const [panel] = parse(
      '?g0.step_input=30&g0.store_matches=%5B%7B%22name%22%3A%22a%3A10901%22%7D%5D&g0.engine=thanos&g0.analyze=1' +
        '&g0.tenant=t1&g0.max_source_resolution=5m&g0.partial_response=0&g0.deduplicate=0&g0.stacked=1' +
        '&g0.end_input=2026-01-02%2003%3A04%3A05&g0.moment_input=2026-01-02%2003%3A04%3A05&g0.range_input=2d&g0.tab=0&g0.expr=up',
    );
    expect(panel).toEqual({
      ...newPanel(defaults),
      expr: 'up',
      tab: 'graph',
      range: 2 * 86_400_000,
      end: Date.UTC(2026, 0, 2, 3, 4, 5),
      resolution: { type: 'fixed', step: 30 },
      display: 'stacked',
      maxResolution: '5m',
      deduplicate: false,
      partialResponse: false,
      engine: 'thanos',
      tenant: 't1',
      stores: ['a:10901'],
      analyze: true,
    });
  });

  it("reads those of Prometheus's page", () => {
    const [panel] = parse(
      '?g0.expr=up&g0.tab=graph&g0.display_mode=stacked&g0.res_density=high&g0.res_type=auto&g0.y_axis_min=0&g0.show_tree=1',
    );
    expect(panel).toMatchObject({
      tab: 'graph',
      display: 'stacked',
      resolution: { type: 'auto', density: 'high' },
      minY: 0,
      showTree: true,
    });
  });

  it('keeps several panels in the order of their numbers, with gaps', () => {
    expect(parse('?g10.expr=c&g2.expr=b&g0.expr=a').map(panel => panel.expr)).toEqual(['a', 'b', 'c']);
  });

  it('passes over what it cannot read', () => {
    const [panel] = parse(
      '?g0.expr=up&g0.range_input=soon&g0.end_input=yesterday&g0.step_input=-1&g0.tab=9&g0.store_matches=%7B&g0.y_axis_min=x&gx.expr=1&g0.deduplicate=maybe',
    );
    expect(panel).toEqual({ ...newPanel(defaults), expr: 'up' });
  });

  it('has one empty panel when there is nothing', () => {
    expect(parse('')).toEqual([newPanel(defaults)]);
  });

  it('reads back what it prints', () => {
    const panels = [
      {
        ...newPanel(defaults),
        expr: 'sum(rate(x{a="b&c"}[5m])) + 1',
        tab: 'explain' as const,
        offset: 86_400_000,
      },
      {
        ...newPanel(defaults),
        expr: 'up',
        end: Date.UTC(2026, 5, 1, 2, 3, 4),
        display: 'heatmap' as const,
        resolution: { type: 'auto' as const, density: 'low' as const },
        logY: true,
        minY: -1.5,
        maxY: 7,
        exemplars: true,
        compare: 604_800_000,
        stores: ['a:1', 'b:2'],
        partialResponse: false,
        deduplicate: false,
        showTree: true,
        analyze: true,
        blocks: true,
        engine: 'thanos',
        tenant: 'other',
        maxResolution: 'auto' as const,
      },
    ];
    expect(parse(printPanels(panels, defaults))).toEqual(panels);
  });
});
