import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configKeys, configSections } from './config-keys.js'
import { parseConfig } from './parse-config.js'

test('every leaf of a configuration is a key, and every key is a leaf', () => {
  const leaves = (value: unknown, way: string[]): string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...way, name]))
      : [way.join('.')]
  const keys = configKeys().map((key) => key.property.join('.'))
  expect(keys.sort()).toEqual(leaves(parseConfig({}), []).sort())
})

test('a key knows its names in the file, in the environment and in TypeScript', () => {
  expect(configKeys().find(({ path }) => path === 'ssh.outbound.adhoc_ports')).toEqual({
    path: 'ssh.outbound.adhoc_ports',
    envName: 'KROWN_SSH__OUTBOUND__ADHOC_PORTS',
    property: ['ssh', 'outbound', 'adhocPorts'],
    kind: 'integers',
    default: [22, 2222],
    description: 'Ports for hosts that are not in the inventory; empty allows any.',
    secret: false,
  })
  expect(configKeys()[0]).toMatchObject({ path: 'data_dir', envName: 'KROWN_DATA_DIR' })
})

test('a choice knows its choices', () => {
  expect(configKeys().find(({ path }) => path === 'database.migrate')?.choices).toEqual(['auto', 'check'])
})

test('the secrets are these', () => {
  expect(
    configKeys()
      .filter(({ secret }) => secret)
      .map(({ path }) => path),
  ).toEqual([
    'database.url',
    'auth.jwt_secret',
    'auth.previous_jwt_secrets',
    'auth.setup_token',
    'vault.master_key',
    'vault.previous_master_keys',
  ])
})

test('the default of each key is what parsing gives when it is written out', () => {
  const written: Record<string, Record<string, unknown>> = {}
  for (const key of configKeys()) {
    const parent = key.path
      .split('.')
      .slice(0, -1)
      .reduce<Record<string, unknown>>((table, name) => {
        table[name] ??= {}
        return table[name] as Record<string, unknown>
      }, written)
    parent[key.path.split('.').at(-1) ?? ''] = key.default
  }
  expect(parseConfig(written)).toEqual(parseConfig({}))
})

test('tables come in the order of the file, those inside after their parent', () => {
  expect(configSections().map(({ path }) => path)).toEqual([
    '',
    'server',
    'database',
    'ssh',
    'ssh.outbound',
    'auth',
    'vault',
    'recordings',
    'limits',
    'logging',
  ])
  expect(configSections().every(({ path, description }) => path === '' || description !== '')).toBe(true)
})

test('the docstring of a property says what the description of the key says', () => {
  const source = readFileSync(new URL('./krown-config.ts', import.meta.url), 'utf8')
  const documented = [...source.matchAll(/\/\*\* ((?:[^*]|\*(?!\/))+?) \*\/\s+readonly (\w+):/g)].map(
    (match) => ({
      name: match[2],
      text: match[1]?.replaceAll(/\s+\* /g, ' '),
    }),
  )
  const expected = configKeys().map((key) => ({ name: key.property.at(-1), text: key.description }))
  expect(documented).toEqual(expected)
})
