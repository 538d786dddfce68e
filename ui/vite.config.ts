import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `vite` sends API calls while developing: a querier, store or compactor. */
const backend = process.env.THANOS_URL ?? 'http://127.0.0.1:10902';
/** What the server would write into the index page. */
const config = process.env.THANOS_DATA ?? '{}';

export default defineConfig(({ command }) => ({
  // Relative addresses: every page is one level deep, so they hold below any path prefix.
  base: './',
  plugins: [
    react(),
    ...(command === 'serve'
      ? [
          {
            name: 'thanos-data',
            transformIndexHtml: (html: string) => html.replace('__THANOS_DATA__', config),
          },
        ]
      : []),
  ],
  build: {
    target: 'es2022',
    // As new as `light-dark()`: an older target would take it apart.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // One file for what several pages use, in place of dozens of small ones.
        codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
      },
    },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  server: { host: '127.0.0.1', proxy: { '/api': backend, '/-': backend } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    // The CommonJS build of codemirror-promql would bring a second @codemirror/state.
    alias: { '@prometheus-io/codemirror-promql': '@prometheus-io/codemirror-promql/dist/esm/index.js' },
    server: { deps: { inline: [/@prometheus-io/] } },
  },
}));
