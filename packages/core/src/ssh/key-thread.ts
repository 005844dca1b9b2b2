import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../base/clock.js'
import { raceSignal, startDeadline } from '../base/deadline.js'
import { defer } from '../base/deferred.js'

/** Why a private key could not be decrypted. */
export class KeyThreadError extends Error {
  override readonly name = 'KeyThreadError'
  readonly reason: 'timeout' | 'passphrase' | 'format'

  constructor(reason: KeyThreadError['reason']) {
    super(`private key not decrypted: ${reason}`)
    this.reason = reason
  }
}

export interface EncryptedKey {
  readonly text: string
  readonly passphrase: string
  readonly signal?: AbortSignal | undefined
}

const TIMEOUT_MS = 5_000

// Text, not a file: it has to run the same from the sources and from the one bundled file. `parseKey` is ssh2's;
// PKCS#8 is Node's own. The answer is the same key as unencrypted PEM, or what is wrong with it.
const THREAD = `
const { createPrivateKey } = require('node:crypto')
const { parentPort, workerData } = require('node:worker_threads')
const { text, passphrase, ssh2Path } = workerData

function decryptPkcs8() {
  return createPrivateKey({ key: text, passphrase }).export({ type: 'pkcs8', format: 'pem' })
}
function decryptOther() {
  const key = require(ssh2Path).utils.parseKey(text, passphrase)
  if (key instanceof Error) throw key
  return key.getPrivatePEM()
}
function failure(error) {
  const about = error.code + ' ' + error.message
  if (/passphrase|bad.decrypt|integrity check|authenticate data|wrong final block/i.test(about)) return 'passphrase'
  return isWhole() ? 'passphrase' : 'format'
}
// Of 200 wrong passphrases one has an end that looks right, and what it gives is no key. Then whether the encrypted
// text is one decides: DER as long as it says, or blocks of a cipher. OpenSSH's own format has a check of its own.
function isWhole() {
  if (text.startsWith('-----BEGIN OPENSSH')) return false
  const body = Buffer.from(text.replace(/^(-----.*|.*:.*)$/gm, ''), 'base64')
  if (!text.startsWith('-----BEGIN ENCRYPTED')) return body.length > 0 && body.length % 8 === 0
  const size = body[1] < 0x80 ? 0 : body[1] & 0x7f
  return body[0] === 0x30 && size <= 4 && body.length === 2 + size + (size ? body.readUIntBE(2, size) : body[1])
}
try {
  parentPort.postMessage({ pem: text.startsWith('-----BEGIN ENCRYPTED') ? decryptPkcs8() : decryptOther() })
} catch (error) {
  parentPort.postMessage({ failure: failure(error) })
}
`

/**
 * Decrypts a private key without holding up the process.
 *
 * @returns The key as PEM without encryption.
 * @throws KeyThreadError, or the signal's reason.
 */
export async function decryptInThread(clock: Clock, key: EncryptedKey): Promise<string> {
  const reason = () => new KeyThreadError('timeout')
  using deadline = startDeadline(clock, TIMEOUT_MS, { reason, parent: key.signal })
  const worker = startThread(key)
  try {
    return await raceSignal(answerOf(worker), deadline.signal)
  } finally {
    await worker.terminate()
  }
}

function startThread({ text, passphrase }: EncryptedKey): Worker {
  const ssh2Path = createRequire(import.meta.url).resolve('ssh2')
  // Nothing of the host program's flags and environment: they may load things, or hold secrets.
  const isolation = { env: {}, execArgv: [], argv: [], stdin: false, stdout: true, stderr: true }
  return new Worker(THREAD, {
    eval: true,
    workerData: { text, passphrase, ssh2Path },
    ...isolation,
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  })
}

function answerOf(worker: Worker): Promise<string> {
  const answer = defer<string>()
  const fail = () => answer.reject(new KeyThreadError('format'))
  worker.once('message', ({ pem, failure }: { pem?: string; failure?: 'passphrase' | 'format' }) => {
    if (pem === undefined) answer.reject(new KeyThreadError(failure ?? 'format'))
    else answer.resolve(pem)
  })
  // Out of its memory limit, or ended without an answer.
  worker.once('error', fail)
  worker.once('exit', fail)
  return answer.promise
}
