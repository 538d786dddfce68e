const light = [
  '#5b3fa8',
  '#0b7285',
  '#c2410c',
  '#2b7a2b',
  '#b0146a',
  '#1c64c8',
  '#8a6d00',
  '#c92a2a',
  '#087f5b',
  '#7a4a21',
  '#6741d9',
  '#3b5bdb',
  '#9c36b5',
  '#5c6f12',
  '#0c8599',
  '#a61e4d',
  '#495057',
  '#d9480f',
  '#2f6f4f',
  '#364fc7',
];
const dark = [
  '#b197fc',
  '#3bc9db',
  '#ffa94d',
  '#8ce99a',
  '#f783ac',
  '#74c0fc',
  '#ffe066',
  '#ff8787',
  '#63e6be',
  '#d9a676',
  '#9775fa',
  '#91a7ff',
  '#e599f7',
  '#c0d860',
  '#66d9e8',
  '#faa2c1',
  '#ced4da',
  '#ff922b',
  '#96d9b5',
  '#748ffc',
];

/** Colour of a series by its place, dark enough on white and light enough on black. */
export function seriesColour(index: number, isDark: boolean): string {
  const colours = isDark ? dark : light;
  return colours[index % colours.length] ?? '#888888';
}
