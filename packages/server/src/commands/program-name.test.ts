import { expect, test } from 'vitest'
import { programName } from './program-name.js'

test.each([
  ['npx krown-server', { npm_command: 'exec' }, '/app/node_modules/.bin/krown-server'],
  ['krown-server', {}, '/usr/local/bin/krown-server'],
  ['node /opt/krown/packages/server/dist/main.js', {}, '/opt/krown/packages/server/dist/main.js'],
  ["node '/opt/my krown/main.js'", {}, '/opt/my krown/main.js'],
])('the program is called %s again as it was called', (name, env, path) => {
  expect(programName({ env }, path)).toBe(name)
})
