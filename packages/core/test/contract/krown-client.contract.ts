import { startSshd } from '@krown/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { accessRuleTests } from './krown-client/access-rules.contract.js'
import { administrationTests } from './krown-client/administration.contract.js'
import { channelTests } from './krown-client/channels.contract.js'
import { commandTests } from './krown-client/commands.contract.js'
import { credentialTests } from './krown-client/credentials.contract.js'
import { eventTests } from './krown-client/events.contract.js'
import { execTests } from './krown-client/exec.contract.js'
import { hostKeyTests } from './krown-client/host-keys.contract.js'
import { inputTests } from './krown-client/input.contract.js'
import { inviteTests } from './krown-client/invites.contract.js'
import { journalTests } from './krown-client/journal.contract.js'
import { outputTests } from './krown-client/output.contract.js'
import { rightsTests } from './krown-client/rights.contract.js'
import { sessionTests } from './krown-client/sessions.contract.js'
import { streamTests } from './krown-client/stream.contract.js'
import { targetTests } from './krown-client/targets.contract.js'
import { tokenTests } from './krown-client/tokens.contract.js'
import type { ContractClients, World } from './krown-client/world.js'

/**
 * What every implementation of `KrownClient` has to do.
 *
 * @param makeClients Called once; its gateway has default limits, and nobody else uses it meanwhile.
 */
export function krownClientContract(name: string, makeClients: () => Promise<ContractClients>): void {
  describe(name, () => {
    let made: World | undefined
    const world = (): World => {
      if (!made) throw new Error('not started')
      return made
    }
    beforeAll(async () => {
      made = { clients: await makeClients(), sshd: await startSshd() }
    })
    afterAll(async () => {
      await made?.clients[Symbol.asyncDispose]()
      await made?.sshd.stop()
    })
    describe('sessions', () => sessionTests(world))
    describe('exec', () => execTests(world))
    describe('stream', () => streamTests(world))
    describe('commands', () => commandTests(world))
    describe('channels', () => channelTests(world))
    describe('output', () => outputTests(world))
    describe('events', () => eventTests(world))
    describe('journal', () => journalTests(world))
    describe('users, journal and system', () => administrationTests(world))
    describe('API tokens', () => tokenTests(world))
    describe('invites and logins', () => inviteTests(world))
    describe('targets', () => targetTests(world))
    describe('credentials', () => credentialTests(world))
    describe('host keys', () => hostKeyTests(world))
    describe('access rules', () => accessRuleTests(world))
    describe('input', () => inputTests(world))
    describe('rights', () => rightsTests(world))
  })
}
