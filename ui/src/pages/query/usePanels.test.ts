import { expect, it } from 'vitest';
import { fitIds } from './usePanels';

it('ids stay with their panels, and new panels have new ones', () => {
  expect(fitIds([], 2)).toEqual([0, 1]);
  expect(fitIds([1, 2], 2)).toEqual([1, 2]);
  expect(fitIds([1, 2], 3)).toEqual([1, 2, 3]);
  expect(fitIds([0, 5, 1], 1)).toEqual([0]);
});
