import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { main: 'src/main.ts' },
  format: 'esm',
  target: 'node20',
  platform: 'node',
  clean: true,
  // One file: a command line should start at once, and needs nothing beside it. What is imported dynamically stays
  // asleep in it until somebody asks.
  splitting: false,
  noExternal: [/./],
  // What is bundled of CommonJS asks for Node's own modules this way.
  banner: {
    js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)",
  },
})
