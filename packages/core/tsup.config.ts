import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    model: 'src/model/index.ts',
    'sqlite-thread': 'src/db/sqlite-thread.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
  dts: {
    entry: { index: 'src/index.ts', model: 'src/model/index.ts' },
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
})
