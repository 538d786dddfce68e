import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const violet: MantineColorsTuple = [
  '#f3f0fb',
  '#e2dcf4',
  '#c4b8e8',
  '#a592dc',
  '#8b72d1',
  '#7a5dca',
  '#6c4dbf',
  '#5b3fa8',
  '#4c348f',
  '#3c2874',
];

export const theme = createTheme({
  primaryColor: 'violet',
  primaryShade: { light: 7, dark: 6 },
  colors: { violet },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  autoContrast: true,
  luminanceThreshold: 0.36,
});

/** Mantine's quiet greys and reds fall short of a contrast of 4.5; these do not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545b64',
    '--mantine-color-placeholder': '#666d76',
    '--mantine-color-error': '#b3202c',
    '--mantine-color-anchor': '#4c348f',
    '--mantine-color-red-light-color': '#9c1c24',
    '--mantine-color-orange-light-color': '#8a3d00',
    '--mantine-color-yellow-light-color': '#704c00',
    '--mantine-color-green-light-color': '#17602a',
    '--mantine-color-blue-light-color': '#0f558f',
    '--mantine-color-gray-light-color': '#3d434a',
    '--mantine-color-violet-light-color': '#4c348f',
    '--chart-grid': '#e4e6ea',
    '--chart-text': '#454c55',
  },
  dark: {
    '--mantine-color-dimmed': '#abb2ba',
    '--mantine-color-placeholder': '#9aa1a9',
    '--mantine-color-error': '#ff9d9d',
    '--mantine-color-anchor': '#c0b0f2',
    '--mantine-color-red-light-color': '#ffb1b1',
    '--mantine-color-orange-light-color': '#ffc078',
    '--mantine-color-yellow-light-color': '#ffe066',
    '--mantine-color-green-light-color': '#8ce99a',
    '--mantine-color-blue-light-color': '#91c9f9',
    '--mantine-color-gray-light-color': '#ced4da',
    '--mantine-color-violet-light-color': '#cbbdf5',
    '--chart-grid': '#3a3d42',
    '--chart-text': '#c1c6cc',
  },
});
