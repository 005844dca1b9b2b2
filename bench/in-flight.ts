import { compareBursts } from './lib/compare-bursts.js'
import type { Scenario } from './lib/scenario.js'

export const scenario: Scenario = {
  name: 'in-flight',
  title: '64 commands in flight over 32 sessions, both rows of each durable in a SQLite file',
  run: () => compareBursts({}, { atLeastShare: 0.4, atMostAddedMs: 0.15 }),
}
