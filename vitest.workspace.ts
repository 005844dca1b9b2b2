import { defineConfig } from 'vitest/config'

const project = (name: string, root: string) => ({
  extends: true as const,
  test: { name, root, include: ['src/**/*.test.ts', 'test/**/*.test.ts'] },
})

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      project('testkit', './testkit'),
      project('core', './packages/core'),
      project('server', './packages/server'),
      project('examples', './examples'),
    ],
  },
})
