import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `vite` sends API calls while developing: a querier, store or compactor. */
const backend = process.env.THANOS_URL ?? 'http://127.0.0.1:10902';
/** What the server would write into the index page. */
const config = process.env.THANOS_DATA ?? '{}';

const base =
  /vite\/preload-helper|get-nonce|\/src\/(config|settings|api\/client|app\/(pages|router|scheme)|lib\/(duration|labels|storage|time)|pages\/query\/(defaults|panel|request|urlState))\.ts$/;
const editor =
  /node_modules\/(@codemirror|@lezer|@prometheus-io|@marijn|crelt|lru-cache|style-mod|w3c-keyname)\/|\/query\/editor\/(client|completion|create|early|theme)\.ts$|\/query\/editor\/.*css$/;

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
        codeSplitting: {
          groups: [
            // What the editor can be made with before the rest is there: nothing in these two may import React.
            { name: 'base', test: base, priority: 3 },
            { name: 'editor', test: editor, priority: 2 },
            // One file for what several pages use, in place of dozens of small ones.
            { name: 'shared', minShareCount: 2 },
          ],
        },
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
