import type { CredentialId, ImportedTarget, ImportTarget, RemoteKrownClient } from '@krown/sdk'
import { fieldsOf } from '../output/explain-error.js'
import type { PlannedTarget } from './planned-target.js'

/** Of one call; the server takes 500, and 256 KiB. */
const MAX_TARGETS = 500
const MAX_LENGTH = 192 * 1024

export interface SendOptions {
  /** Of new targets of which the file says none. */
  readonly username: string
  readonly credentialId: CredentialId | undefined
  readonly dryRun: boolean
  /** Told how many were sent, before each call. */
  readonly onProgress: (done: number) => void
}

/** Sends a plan in as many calls as it takes; nothing of what one call did is taken back when a later one fails. */
export async function sendPlan(
  client: Pick<RemoteKrownClient, 'targets'>,
  targets: readonly PlannedTarget[],
  { username, credentialId, dryRun, onProgress }: SendOptions,
): Promise<ImportedTarget[]> {
  const answers: ImportedTarget[] = []
  for (const part of partsOf(targets)) {
    onProgress(answers.length)
    // What earlier calls would have made is not there in a dry run: those that are needed come along.
    const company = dryRun ? jumpHostsOf(part, targets) : []
    const send = async (sent: readonly PlannedTarget[]) =>
      (await client.targets.import({ targets: sent.map(toImport), username, credentialId, dryRun })).items
    const items = await sendPart([...company, ...part], send)
    answers.push(...items.slice(company.length))
  }
  return withReasonsOfJumpHosts(answers, targets)
}

/** A server knows nothing of a jump host that it refused, or never got: what is behind says so. */
function withReasonsOfJumpHosts(
  answers: readonly ImportedTarget[],
  targets: readonly PlannedTarget[],
): ImportedTarget[] {
  const jumps = new Map(targets.map(({ name, jump }) => [name, jump]))
  const refusals = new Set(answers.filter(({ outcome }) => outcome === 'refused').map(({ name }) => name))
  return answers.map((answer) => {
    const jump = jumps.get(answer.name)
    const isBehind = answer.outcome === 'refused' && jump && refusals.has(jump)
    return isBehind && answer.reason?.includes(` jump host ${jump} `)
      ? { ...answer, reason: `its jump host ${jump} was refused` }
      : answer
  })
}

type Send = (targets: readonly PlannedTarget[]) => Promise<ImportedTarget[]>

/** A server takes a call whole or not at all: what it cannot read is refused by name, and the rest sent again. */
async function sendPart(targets: readonly PlannedTarget[], send: Send): Promise<ImportedTarget[]> {
  try {
    return targets.length === 0 ? [] : await send(targets)
  } catch (error) {
    const reasons = unreadableIn(error)
    const good = targets.filter((_, index) => !reasons.has(index))
    if (good.length === targets.length) throw error
    const answers = (await sendPart(good, send)).values()
    return targets.flatMap(({ name }, index) => {
      const reason = reasons.get(index)
      return reason === undefined ? (answers.next().value ?? []) : refused(name, reason)
    })
  }
}

/** By index, what a refusal of the whole call says of its targets. */
function unreadableIn(error: unknown): Map<number, string> {
  const reasons = new Map<number, string>()
  for (const { path, message } of fieldsOf(error)) {
    const [, index, field] = /^targets\.(\d+)\.(.+)$/.exec(path) ?? []
    if (index !== undefined) reasons.set(Number(index), `its ${field} ${message}`)
  }
  return reasons
}

function refused(name: string, reason: string): ImportedTarget {
  return { name, outcome: 'refused', targetId: null, changed: [], reason }
}

export function partsOf(targets: readonly PlannedTarget[]): PlannedTarget[][] {
  const parts: PlannedTarget[][] = []
  let length = 0
  for (const target of targets) {
    const ownLength = JSON.stringify(target).length
    const part = parts.at(-1)
    if (part === undefined || part.length >= MAX_TARGETS / 2 || length + ownLength > MAX_LENGTH / 2) {
      parts.push([target])
      length = ownLength
    } else {
      part.push(target)
      length += ownLength
    }
  }
  return parts
}

/** Those on the way to `part` that are not in it, outermost first. */
function jumpHostsOf(part: readonly PlannedTarget[], all: readonly PlannedTarget[]): PlannedTarget[] {
  const byName = new Map(all.map((target) => [target.name, target]))
  const found = new Set<PlannedTarget>()
  const add = (name: string | null): void => {
    const target = name === null ? undefined : byName.get(name)
    if (target === undefined || found.has(target) || part.includes(target)) return
    add(target.jump)
    found.add(target)
  }
  for (const { jump } of part) add(jump)
  return [...found]
}

/** What the file says, and no more: the rest of a target that is there stays as it is. */
function toImport({ name, tags, stated, ...target }: PlannedTarget): ImportTarget {
  return { name, tags: [...tags], ...Object.fromEntries(stated.map((field) => [field, target[field]])) }
}
