import { describe, expect, it } from 'vitest';
import { pageSlice } from './Pager';

describe('pages of a list', () => {
  const items = [1, 2, 3, 4, 5];
  it('count from 1', () => {
    expect(pageSlice(items, 1, 2)).toEqual([1, 2]);
    expect(pageSlice(items, 3, 2)).toEqual([5]);
  });
  it('are the first or the last where there is none of that number', () => {
    expect(pageSlice(items, 0, 2)).toEqual([1, 2]);
    expect(pageSlice(items, 9, 2)).toEqual([5]);
    expect(pageSlice(items, Number('none'), 2)).toEqual([1, 2]);
    expect(pageSlice([], 2, 2)).toEqual([]);
  });
});
