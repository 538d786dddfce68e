import { describe, expect, it } from 'vitest';
import { csvField, toCsv } from './export';
import { isKept, withExpr } from './history';

describe('CSV', () => {
  it('has a column for each label of any series', () => {
    const csv = toCsv({
      resultType: 'vector',
      result: [
        { metric: { b: 'x,"y"' }, value: [0, '1'] },
        { metric: { a: '2\n3' }, value: [1.5, 'NaN'] },
      ],
    });
    expect(csv).toBe(
      'a,b,time,value\n,"x,""y""",1970-01-01T00:00:00.000Z,1\n"2\n3",,1970-01-01T00:00:01.500Z,NaN\n',
    );
  });
  it('has a line for each sample of a matrix, and for scalars', () => {
    expect(
      toCsv({
        resultType: 'matrix',
        result: [
          {
            metric: {},
            values: [
              [0, '1'],
              [1, '+Inf'],
            ],
          },
        ],
      }).split('\n'),
    ).toHaveLength(4);
    expect(toCsv({ resultType: 'scalar', result: [0, '5'] })).toBe(
      'time,value\n1970-01-01T00:00:00.000Z,5\n',
    );
    expect(toCsv({ resultType: 'vector', result: [] })).toBe('time,value\n');
  });
  it('runs nothing in a spreadsheet', () => {
    expect(csvField('=cmd()')).toBe("'=cmd()");
    expect(csvField('+Inf')).toBe('+Inf');
    expect(csvField('-5')).toBe('-5');
  });
});

describe('history', () => {
  it('keeps what is more than a name, newest first, each once', () => {
    expect(isKept('up')).toBe(false);
    expect(isKept('up == 0')).toBe(true);
    expect(withExpr(['a', 'b'], 'b')).toEqual(['b', 'a']);
    expect(
      withExpr(
        Array.from({ length: 50 }, (_, i) => `x${i}`),
        'y',
      ),
    ).toHaveLength(50);
  });
});
