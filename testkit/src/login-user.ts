import { randomBytes } from 'node:crypto'
import { chown, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { runProcess } from './child-process.js'

const NAME = 'krown-test'
/** Only root can create it, so nobody can put something in its place. */
const STATE_DIR = '/run/krown-testkit'

export interface LoginUser {
  name: string
  password: string
  home: string
}

/**
 * A normal user (shell /bin/sh) with a generated password, made once and shared by all test runs, which may be
 * under way at the same time. Needs root.
 */
export async function ensureLoginUser(): Promise<LoginUser> {
  const home = `${STATE_DIR}/home`
  await mkdir(home, { recursive: true, mode: 0o755 })
  const { uid, gid } = await ensureAccount(home)
  await chown(home, uid, gid)
  const password = await sharedPassword()
  // Always, since a run that made the file may have ended before this line; the result is the same.
  await runProcess({ command: 'chpasswd', args: [] }, `${NAME}:${password}\n`)
  return { name: NAME, password, home }
}

async function ensureAccount(home: string): Promise<{ uid: number; gid: number }> {
  const known = await findAccount()
  if (known) return known
  try {
    await runProcess({ command: 'useradd', args: ['-M', '-d', home, '-s', '/bin/sh', NAME] })
  } catch (error) {
    // Another run may have been first.
    if (!(await findAccount())) throw error
  }
  const created = await findAccount()
  if (!created) throw new Error(`useradd did not create ${NAME}`)
  return created
}

async function findAccount(): Promise<{ uid: number; gid: number } | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n')
  const fields = lines.find((line) => line.startsWith(`${NAME}:`))?.split(':')
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) }
}

async function sharedPassword(): Promise<string> {
  const path = `${STATE_DIR}/password`
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, randomBytes(18).toString('base64url'), { mode: 0o600, flag: 'wx' })
  try {
    // A link is all or nothing: whoever is first decides, and nobody reads half a password.
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
  return readFile(path, 'utf8')
}
