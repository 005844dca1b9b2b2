import type { KrownClient } from '../model/krown-client.js'
import type { ClientServices } from './client-services.js'

export function systemApi({ systemInfo }: Pick<ClientServices, 'systemInfo'>): KrownClient['system'] {
  return { info: () => systemInfo() }
}
