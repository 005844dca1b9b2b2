import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { planFromAnsible } from './ansible-inventory.js'
import type { ImportPlan } from './planned-target.js'

async function planOf(file: string, text: string): Promise<ImportPlan> {
  const dir = await createTempDir()
  onTestFinished(() => dir.stop())
  await writeFile(join(dir.path, file), text)
  return planFromAnsible(join(dir.path, file), { username: 'me' })
}

const shown = ({ targets }: ImportPlan) =>
  targets.map(({ name, host, port, username, tags, jump }) =>
    [name, `${username}@${host}:${port}`, tags.join(','), ...(jump === null ? [] : [`via ${jump}`])].join(
      ' ',
    ),
  )

const INI = `
# Of the whole house
lonely ansible_host=192.0.2.1

[web]
web[01:03].example.com ansible_user=deploy # the front
[db]
db-a:2222
db-b ansible_host="10.0.0.9" ansible_ssh_common_args='-o ProxyJump=ops@gate'

[gates]
gate ansible_port=2200

[prod:children]
web
db

[prod:vars]
ansible_user = root
zone=eu ; a note

[db:vars]
ansible_user=postgres
[local]
here ansible_connection=local
`

const YAML = `
all:
  vars:
    ansible_user: root
  hosts:
    lonely:
      ansible_host: 192.0.2.1
  children:
    prod:
      children:
        web:
          hosts:
            web[1:2]:
        db:
          vars: {ansible_user: postgres, ansible_port: 2222}
          hosts:
            db-a: {ansible_password: !vault "secret"}
            db-b: {ansible_port: 2223}
`

describe('an Ansible inventory', () => {
  test('in INI form gives its hosts, with groups and their parents as tags', async () => {
    const plan = await planOf('hosts', INI)
    expect(shown(plan)).toEqual([
      'lonely me@192.0.2.1:22 ',
      'web01.example.com deploy@web01.example.com:22 prod,web',
      'web02.example.com deploy@web02.example.com:22 prod,web',
      'web03.example.com deploy@web03.example.com:22 prod,web',
      'db-a postgres@db-a:2222 db,prod',
      'gate me@gate:2200 gates',
      'db-b postgres@10.0.0.9:22 db,prod via gate',
    ])
    expect(plan.remarks).toEqual([{ what: 'here', why: 'it is reached by local, not by SSH' }])
  })

  test('in YAML form gives the same kind of plan', async () => {
    const plan = await planOf('hosts.yml', YAML)
    expect(shown(plan)).toEqual([
      'lonely root@192.0.2.1:22 ',
      'web1 root@web1:22 prod,web',
      'web2 root@web2:22 prod,web',
      'db-a postgres@db-a:2222 db,prod',
      'db-b postgres@db-b:2223 db,prod',
    ])
    expect(JSON.stringify(plan)).not.toContain('secret')
  })

  test('is told from its beginning when its name does not say what it is', async () => {
    expect(shown(await planOf('inventory', YAML))).toContain('web1 root@web1:22 prod,web')
    expect(shown(await planOf('inventory', INI))).toContain('gate me@gate:2200 gates')
  })

  test.each([
    ['hosts.ini', '[web:oops]\nweb1\n', /there is no \[web:oops\]/],
    ['hosts.ini', 'web[5:1]\n', /is no range of hosts/],
    ['hosts.ini', 'web[1:999999999]\n', /is no range of hosts/],
    ['hosts.ini', 'web[0:999][0:999][0:999]\n', /stands for too many hosts/],
    ['hosts.yml', 'all: [1, 2]\n', /all is not a mapping/],
    ['hosts.yml', 'all: {hosts: {', /cannot be read: [^\n]*at line 1, column \d+$/],
    [
      'hosts.yml',
      `all: ${'{a: '.repeat(1_500)}${'}'.repeat(1_500)}`,
      /cannot be read: it is nested too deeply$/,
    ],
    ['hosts.yml', `a: &a {x: &b [${'*c,'.repeat(3)}]}\n`, /cannot be read/],
  ])('%s with %j is refused with the reason', async (file, text, reason) => {
    await expect(planOf(file, text)).rejects.toThrow(reason)
  })

  test('with groups that are children of each other, or templates, is read all the same', async () => {
    const plan = await planOf(
      'hosts',
      '[a:children]\nb\n[b:children]\na\n[b]\none ansible_host={{ ip }}\ntwo\n',
    )
    expect(shown(plan)).toEqual(['two me@two:22 a,b'])
    expect(plan.remarks).toEqual([
      { what: 'one', why: 'ansible_host is a template, which only Ansible can fill in' },
    ])
  })
})
