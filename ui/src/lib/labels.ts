export type Labels = Record<string, string>;

/** Escapes for a PromQL string in double quotes. */
export function quote(value: string): string {
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

const plain = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const plainMetric = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function name(label: string): string {
  return plain.test(label) ? label : quote(label);
}

/** `metric{a="b"}`, with names that need it in quotes; `{}` for none. */
export function formatLabels(labels: Labels, hidden?: ReadonlySet<string>): string {
  const metric = labels.__name__;
  const inside: string[] = [];
  if (metric !== undefined && !plainMetric.test(metric) && !hidden?.has('__name__'))
    inside.push(quote(metric));
  for (const key of Object.keys(labels)) {
    if (key === '__name__' || hidden?.has(key)) continue;
    inside.push(`${name(key)}=${quote(labels[key] ?? '')}`);
  }
  const head = metric !== undefined && plainMetric.test(metric) && !hidden?.has('__name__') ? metric : '';
  return inside.length === 0 && head !== '' ? head : `${head}{${inside.join(', ')}}`;
}

/** Labels that all sets have with the same value. */
export function commonLabels(sets: readonly Labels[]): Labels {
  const [first, ...others] = sets;
  if (first === undefined) return {};
  const common: Labels = { ...first };
  for (const set of others) {
    for (const key of Object.keys(common)) if (set[key] !== common[key]) delete common[key];
  }
  return common;
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}
