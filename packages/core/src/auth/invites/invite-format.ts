import type { InviteId } from '../../model/ids.js'
import { SecretTokenFormat } from '../tokens/secret-token.js'

/** `krn_inv_…` */
export const inviteFormat = new SecretTokenFormat<InviteId>('inv')
