import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  clean: true,
  // What it says about the server is inlined: who installs the SDK gets neither the server nor core.
  dts: {
    entry: { index: 'src/index.ts' },
    resolve: [/^@krown\//],
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
})
