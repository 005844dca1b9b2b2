import type { Caller } from '../../auth/gate/gate.js'
import { KrownError } from '../../errors/krown-error.js'

/** What the organization trusts is no matter of those who may only pin for themselves. @throws KrownError FORBIDDEN */
export function requireOrganization({ reach }: Caller): void {
  if (reach === 'org') return
  throw new KrownError('FORBIDDEN', "your role does not allow hostkey:manage for the organization's keys", {
    details: { permission: 'hostkey:manage' },
  })
}
