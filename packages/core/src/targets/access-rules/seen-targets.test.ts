import { expect, test, vi } from 'vitest'
import { RuleBook } from '../../access/decide-rule.js'
import { parseTargetSelector } from '../../access/target-selector.js'
import type { AccessRule, AccessSubject } from '../../model/access-rule.js'
import type { ApiTokenId, UserId } from '../../model/ids.js'
import type { AccessSides } from './judge-access.js'
import type { ReadyRule } from './rule-books.js'
import { SeenTargets } from './seen-targets.js'

const web = { name: 'web1', host: 'h', username: 'root', tags: [] }
const db = { name: 'db1', host: 'h', username: 'root', tags: [] }

const OPERATORS = { kind: 'role', role: 'operator' } as AccessSubject

const rule = (selector: string, expiresAt: number | null = null, subject = OPERATORS): ReadyRule => ({
  rule: {} as AccessRule,
  subject,
  selector: parseTargetSelector(selector),
  verbs: ['watch'],
  remoteUsernames: null,
  expiresAt,
})

const sides = (userId: string, role: 'operator' | 'readonly' = 'operator'): AccessSides => [
  [
    { kind: 'user', userId: userId as UserId },
    { kind: 'role', role },
  ],
]

test('rules are asked once for each target, as long as the one that shows it lasts', () => {
  const rules = new RuleBook([rule('web*', 1_000), rule('web1', 2_000)])
  const find = vi.spyOn(rules, 'find')
  const seen = new SeenTargets()
  const sees = (target: typeof web, at: number) => seen.of(rules, sides('ada')).sees(target, at)
  expect([sees(web, 1), sees(web, 999), sees(db, 1), sees(db, 1_500)]).toEqual([true, true, false, false])
  expect(find).toHaveBeenCalledTimes(2)
  expect([sees(web, 1_000), sees(web, 1_999)]).toEqual([true, true])
  expect(find).toHaveBeenCalledTimes(3)
  expect([sees(web, 2_000), sees(web, 2_001)]).toEqual([false, false])
  expect(find).toHaveBeenCalledTimes(4)
})

test('what one sees is nothing to others, nor to oneself in another role, nor by other rules', () => {
  const seen = new SeenTargets()
  const rules = new RuleBook([rule('*')])
  expect(seen.of(rules, sides('ada')).sees(web, 1)).toBe(true)
  expect(seen.of(rules, sides('ada', 'readonly')).sees(web, 1)).toBe(false)
  expect(seen.of(new RuleBook<ReadyRule>([]), sides('ada')).sees(web, 1)).toBe(false)
})

test('what two sides have to see is seen as long as both do', () => {
  const ofToken: AccessSubject = { kind: 'api_token', tokenId: 'token' as ApiTokenId }
  const rules = new RuleBook([rule('web*', 2_000), rule('*', 1_000, ofToken)])
  const seen = new SeenTargets()
  const both = [...sides('ada'), [ofToken]]
  const sees = (target: typeof web, at: number) => seen.of(rules, both).sees(target, at)
  expect([sees(web, 1), sees(web, 999), sees(db, 1)]).toEqual([true, true, false])
  expect([sees(web, 1_000), sees(web, 1_500)]).toEqual([false, false])
  expect(seen.of(rules, sides('ada')).sees(web, 1_500)).toBe(true)
})

test('of very many who look, the ones that looked last are remembered', () => {
  const rules = new RuleBook([rule('*')])
  const find = vi.spyOn(rules, 'find')
  const seen = new SeenTargets()
  const looks = (who: number) => seen.of(rules, sides(String(who))).sees(web, 1)
  for (let who = 0; who < 33; who += 1) looks(who)
  looks(32)
  expect(find).toHaveBeenCalledTimes(33)
  looks(0)
  expect(find).toHaveBeenCalledTimes(34)
})
