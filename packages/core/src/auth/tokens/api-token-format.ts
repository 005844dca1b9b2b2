import type { ApiTokenId } from '../../model/ids.js'
import { SecretTokenFormat } from './secret-token.js'

/** `krn_pat_…` */
export const apiTokenFormat = new SecretTokenFormat<ApiTokenId>('pat')
