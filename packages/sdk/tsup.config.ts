import { defineConfig } from 'tsup'

export default defineConfig({
  // One for Node and one for browsers; what they share is a file of its own. The addon for terminals needs neither.
  entry: { index: 'src/index.ts', browser: 'src/browser.ts', xterm: 'src/xterm.ts' },
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  clean: true,
  // What it says about the server is inlined: who installs the SDK gets neither the server nor core. By paths, since
  // what is found in node_modules stays an import.
  dts: {
    entry: { index: 'src/index.ts', xterm: 'src/xterm.ts' },
    compilerOptions: {
      ignoreDeprecations: '6.0',
      paths: {
        '@krown/core': ['../core/dist/index.d.ts'],
        '@krown/core/model': ['../core/dist/model.d.ts'],
        '@krown/server': ['../server/dist/index.d.ts'],
      },
    },
  },
})
