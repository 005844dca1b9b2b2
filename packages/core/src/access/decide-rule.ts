import type { AccessSubject, AccessVerb } from '../model/access-rule.js'
import { anchorsOf, type SelectableTarget, type TargetSelector } from './target-selector.js'

/** What of an access rule decides. */
export interface DecidingRule {
  readonly subject: AccessSubject
  readonly selector: TargetSelector
  readonly verbs: readonly AccessVerb[]
  /** User names on the target, as they are; null is any. */
  readonly remoteUsernames: readonly string[] | null
  /** Epoch milliseconds; null when it does not end by itself. */
  readonly expiresAt: number | null
}

/** What somebody wants to do on a target. */
export interface AccessQuestion {
  /** Rules for any one of them count. */
  readonly subjects: readonly AccessSubject[]
  readonly target: SelectableTarget
  /** Any one of them; left out: whatever a rule may allow. */
  readonly verbs?: readonly AccessVerb[] | undefined
  /** User name on the target; left out: whichever a rule may allow. */
  readonly remoteUsername?: string | undefined
  /** Epoch milliseconds. */
  readonly at: number
}

/** Rules in the order in which they decide, so filed that few of them are asked. */
export class RuleBook<Rule extends DecidingRule> {
  readonly #shelves = new Map<string, Shelf<Rule>>()

  constructor(rules: readonly Rule[]) {
    for (const [place, rule] of rules.entries()) this.#shelfOf(rule.subject).add(rule, place)
  }

  /** The first rule that allows it; undefined when none does. */
  find(question: AccessQuestion): Rule | undefined {
    let first: Placed<Rule> | undefined
    for (const subject of question.subjects) {
      const before = first?.place ?? Number.POSITIVE_INFINITY
      first = this.#shelves.get(keyOf(subject))?.find(question, before) ?? first
    }
    return first?.rule
  }

  /** Whether any rule is for it, whatever it allows, and also when it has expired. */
  names(subject: AccessSubject): boolean {
    return this.#shelves.has(keyOf(subject))
  }

  #shelfOf(subject: AccessSubject): Shelf<Rule> {
    const key = keyOf(subject)
    const shelf = this.#shelves.get(key) ?? new Shelf<Rule>()
    this.#shelves.set(key, shelf)
    return shelf
  }
}

interface Placed<Rule> {
  readonly rule: Rule
  readonly place: number
}

/** The rules of one subject: most name a tag or a target, and concern nothing without it. */
class Shelf<Rule extends DecidingRule> {
  readonly #general: Placed<Rule>[] = []
  readonly #anchored = new Map<string, Placed<Rule>[]>()

  add(rule: Rule, place: number): void {
    const { anchors } = rule.selector
    if (anchors === null) this.#general.push({ rule, place })
    else for (const anchor of new Set(anchors)) this.#at(anchor).push({ rule, place })
  }

  /** @param before Only rules of an earlier place. */
  find(question: AccessQuestion, before: number): Placed<Rule> | undefined {
    let first: Placed<Rule> | undefined
    const look = (rules: readonly Placed<Rule>[]) => {
      const limit = first?.place ?? before
      first = findBefore(rules, limit, question) ?? first
    }
    if (this.#anchored.size > 0) {
      for (const anchor of anchorsOf(question.target)) look(this.#anchored.get(anchor) ?? [])
    }
    look(this.#general)
    return first
  }

  #at(anchor: string): Placed<Rule>[] {
    const rules = this.#anchored.get(anchor) ?? []
    this.#anchored.set(anchor, rules)
    return rules
  }
}

function findBefore<Rule extends DecidingRule>(
  rules: readonly Placed<Rule>[],
  limit: number,
  question: AccessQuestion,
): Placed<Rule> | undefined {
  for (const placed of rules) {
    if (placed.place >= limit) return undefined
    if (allows(placed.rule, question)) return placed
  }
  return undefined
}

/** Whether the rule, which is for a subject of the question, allows it. */
function allows(rule: DecidingRule, { target, verbs, remoteUsername, at }: AccessQuestion): boolean {
  if (rule.expiresAt !== null && rule.expiresAt <= at) return false
  if (verbs && !verbs.some((verb) => rule.verbs.includes(verb))) return false
  if (remoteUsername !== undefined && !(rule.remoteUsernames?.includes(remoteUsername) ?? true)) return false
  return rule.selector.matches(target)
}

function keyOf(subject: AccessSubject): string {
  if (subject.kind === 'user') return `user ${subject.userId}`
  return subject.kind === 'role' ? `role ${subject.role}` : `api_token ${subject.tokenId}`
}
