import { readFileSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

/** What ends up in the one file, and whose licence asks to be shipped with it. */
const BUNDLED = [
  'commander',
  'picocolors',
  'yaml',
  '@krown/sdk/node_modules/@trpc/client',
  '@krown/sdk/node_modules/@trpc/server',
  '@krown/sdk/node_modules/ws',
]

function writeLicences(): void {
  const texts = BUNDLED.map((path) => {
    const name = path.split('node_modules/').at(-1)
    return `${name}\n\n${readFileSync(`node_modules/${path}/LICENSE`, 'utf8').trim()}\n`
  })
  writeFileSync('dist/THIRD-PARTY.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))
}

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
  onSuccess: async () => writeLicences(),
  // What is bundled of CommonJS asks for Node's own modules this way.
  banner: {
    js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)",
  },
})
