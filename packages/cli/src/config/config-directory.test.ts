import { expect, test } from 'vitest'
import { configDirectory } from './config-directory.js'

test.each([
  ['linux', {}, '/home/ada/.config/krown'],
  ['linux', { XDG_CONFIG_HOME: '/xdg' }, '/xdg/krown'],
  ['linux', { XDG_CONFIG_HOME: 'relative' }, '/home/ada/.config/krown'],
  ['darwin', { XDG_CONFIG_HOME: '/xdg' }, '/home/ada/Library/Application Support/krown'],
  ['win32', { APPDATA: '/roaming' }, '/roaming/krown'],
] as const)('on %s with %j it is %s', (platform, env, expected) => {
  expect(configDirectory({ platform, env }, '/home/ada')).toBe(expected)
})
