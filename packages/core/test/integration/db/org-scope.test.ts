import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const FOLDER = fileURLToPath(new URL('../../../src/db/repositories/', import.meta.url))

interface ExportedFunction {
  readonly name: string
  /** `table.name`, by the file it is in. */
  readonly id: string
  readonly parameters: readonly string[]
}

/** The exported functions of every repository, by their source: a parameter has no name at run time. */
async function exportedFunctions(): Promise<ExportedFunction[]> {
  return (await sources()).flatMap(({ table, statements }) =>
    statements
      .filter((statement) => ts.isFunctionDeclaration(statement))
      .filter(isExported)
      .map(({ name, parameters }) => ({
        name: name?.text ?? '',
        id: `${table}.${name?.text}`,
        parameters: parameters.map((parameter) => parameter.name.getText()),
      })),
  )
}

async function sources() {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.repository.ts'))
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(FOLDER + file, 'utf8')
      const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
      return { table: basename(file, '.repository.ts'), statements }
    }),
  )
}

function isExported(statement: ts.HasModifiers): boolean {
  return statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** They cannot know the organization; whoever adds one here answers for what it lets through. */
const ACROSS_ORGS = [
  'api-token.findApiTokenAcrossOrgs',
  'command.listOrphanCommandsAcrossOrgs',
  'credential.countSecretsByMasterKeyAcrossOrgs',
  'credential.listSecretsOfMasterKeyAcrossOrgs',
  'invite.deleteEndedInvitesAcrossOrgs',
  'invite.findInviteAcrossOrgs',
  'login.deleteExpiredLoginsAcrossOrgs',
  'login.findLoginAcrossOrgs',
  'login.revokeLoginsOfUserAcrossOrgs',
  'recording.countRecordingsByMasterKeyAcrossOrgs',
  'recording.hasRecordingsAcrossOrgs',
  'recording.listExpiredRecordingsAcrossOrgs',
  'recording.listOrphanRecordingsAcrossOrgs',
  'recording.listRecordingKeysOfMasterKeyAcrossOrgs',
  'recording.sumRecordingBytesAcrossOrgs',
  'session.listOrphanSessionsAcrossOrgs',
  'user.ensureSystemUserAcrossOrgs',
  'user.findSignInCandidateAcrossOrgs',
]

/** Tables of the instance: no organization owns their rows. */
const OF_THE_INSTANCE = [
  'instance.insertSetUp',
  'instance.isSetUp',
  'master-key.activateMasterKey',
  'master-key.activeMasterKeyQuery',
  'master-key.findActiveMasterKey',
  'master-key.hasMasterKeys',
  'master-key.insertFirstMasterKey',
  'master-key.listMasterKeys',
  'master-key.lockActiveMasterKey',
  'node.beatHeart',
  'node.deleteNodes',
  'node.insertNode',
  'node.listLivingNodes',
  'organization.ensureOrganization',
  'rate-limit.addFailure',
  'rate-limit.deleteExpiredPoints',
  'rate-limit.deletePoints',
  'rate-limit.listPoints',
  'rate-limit.setPoint',
  'rate-limit.takeBackFailure',
  'rate-limit.takeBackPoint',
]

test('the functions that look across organizations are these and no others', async () => {
  const across = (await exportedFunctions()).filter(({ name }) => name.endsWith('AcrossOrgs'))
  expect(across.map(({ id }) => id).sort()).toEqual(ACROSS_ORGS)
})

test('every other repository function takes the database first and the organization second', async () => {
  const functions = await exportedFunctions()
  expect(functions.length).toBeGreaterThan(40)
  const scoped = functions.filter(({ id }) => ![...ACROSS_ORGS, ...OF_THE_INSTANCE].includes(id))
  const wrong = scoped.filter(
    ({ parameters: [first = '', second = ''] }) =>
      !['db', 'trx'].includes(first) || !['orgId', '_orgId'].includes(second),
  )
  expect(wrong).toEqual([])
  expect(functions.map(({ id }) => id)).toEqual(expect.arrayContaining(OF_THE_INSTANCE))
})

test('no repository exports anything else that could reach the database', async () => {
  const values = (await sources()).flatMap(({ statements }) =>
    statements
      .filter((statement) => ts.isVariableStatement(statement) || ts.isClassDeclaration(statement))
      .filter(isExported)
      .map((statement) => statement.getText()),
  )
  expect(values).toEqual([expect.stringMatching(/^export const SYSTEM_USER_ID = '[^']+' as UserId$/)])
})
