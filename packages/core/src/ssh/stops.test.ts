import { describe, expect, test } from 'vitest'
import { KrownError } from '../errors/krown-error.js'
import { stopsOf } from './stops.js'

const auth = { method: 'password', password: 'x' } as const
const verifyHostKey = async () => undefined
const login = (host: string, port = 22) => ({ host, port, username: 'ops', auth, verifyHostKey })
const jump = (name: string) => ({ ...login(`${name}.test`), name })
const route = (...names: string[]) => ({ hops: names.map(jump), checkForward: () => undefined })

describe('stopsOf', () => {
  test('numbers the jump hosts from the one that is dialled', () => {
    const { hops, target } = stopsOf(login('web'), route('outer', 'inner'))
    expect(hops.map(({ hop }) => hop)).toEqual([
      { name: 'outer', number: 1, count: 2 },
      { name: 'inner', number: 2, count: 2 },
    ])
    expect(target.hop).toBeNull()
  })

  test('F31: tells an address behind a jump host from the same one here, and whichever way leads there', () => {
    const ways = [undefined, route('outer'), route('inner'), route('outer', 'inner')]
    const keys = ways.map((via) => stopsOf(login('10.0.0.1'), via).target.key)
    expect(new Set(keys).size).toBe(ways.length)
    expect(stopsOf(login('10.0.0.1', 2222), undefined).target.key).not.toBe(keys[0])
  })

  test('F31: takes a jump host for what it is, whoever goes through it', () => {
    const [throughIt] = stopsOf(login('web'), route('outer')).hops
    expect(stopsOf(login('OUTER.test'), undefined).target.key).toBe(throughIt?.key)
  })

  test('E10: asks for everything but what is dialled, and says whose fault it is', () => {
    const asked: unknown[] = []
    const checkForward = (host: string) => {
      asked.push(host)
      if (host === 'inner.test') throw new KrownError('TARGET_POLICY_DENIED', 'the target is not allowed')
    }
    const via = { ...route('outer', 'inner'), checkForward }
    expect(() => stopsOf(login('web'), via)).toThrow('jump host inner (hop 2 of 2): it is not allowed')
    expect(asked).toEqual(['inner.test'])
  })
})
