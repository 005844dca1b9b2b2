import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function systemApi({ trpc }: ApiParts): KrownClient['system'] {
  return { info: () => translated(trpc.system.info.query()) }
}
