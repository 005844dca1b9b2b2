import type { PinHostKeyInput, RemoteKrownClient, Target } from '@krown/sdk'
import { type CliError, usageError } from '../cli-error.js'
import { wordsOf } from '../output/host-key-hint.js'
import { findTargetOrHost } from './find-target.js'
import { targetIdOf } from './target-id.js'

/** What says that a host is meant, and which. */
export interface PlaceOptions {
  readonly port?: number
  /** Name or id of the jump host before it. */
  readonly via?: string
  /** For the caller alone: keys of targets are the organization's. */
  readonly mine?: boolean
}

/** Whose key is meant: that of a target, or of a host. */
export interface KeyPlace {
  readonly input: Pick<PinHostKeyInput, 'host' | 'port' | 'viaTargetId'>
  /** Undefined for a host. */
  readonly targetName?: string
  /** What one types for it: `web1`, or `10.0.3.7 -p 2222`. */
  readonly words: string
}

/** Where the target of that name is, on its own way; else the host. */
export async function keyPlaceOf(
  client: RemoteKrownClient,
  text: string,
  options: PlaceOptions,
): Promise<KeyPlace> {
  const { port, via, mine } = options
  const saysHost = port !== undefined || via !== undefined || mine === true
  const target = await findTargetOrHost(
    client,
    text,
    'for the host of that name give its port with -p',
  ).catch((error) => {
    if (saysHost) return undefined
    throw error
  })
  if (target && !saysHost) return placeOfTarget(target)
  // Somebody who names a target has its place in mind, and not that of a host which happens to be called so.
  if (target && target.host !== text.toLowerCase()) throw hasItsOwn(target)
  const viaTargetId = via === undefined ? undefined : await targetIdOf(client, via)
  return { input: { host: text, port, viaTargetId }, words: wordsOf(text, port, via) }
}

/** What to filter a list by: the host of the target of that name, else the host. */
export async function listedHostOf(
  client: RemoteKrownClient,
  text: string | undefined,
): Promise<string | undefined> {
  if (text === undefined) return undefined
  const target = await findTargetOrHost(client, text, 'leave --host out')
  return target?.host ?? text
}

function placeOfTarget({ name, host, port, jumpTargetId }: Target): KeyPlace {
  const input = { host, port, ...(jumpTargetId !== null && { viaTargetId: jumpTargetId }) }
  return { input, targetName: name, words: name }
}

function hasItsOwn({ name, host }: Target): CliError {
  const hint = `leave -p, --via and --mine out, or name the host: ${host}`
  return usageError(`${name} is a target, whose port, way and keys are known for everybody`, hint)
}
