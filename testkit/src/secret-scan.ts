import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One place where a secret was, and how it was written there. */
export interface FoundSecret {
  readonly secret: string
  /** What kind of place it is, as `log`. */
  readonly place: string
  /** Which one of them, as the name of a file. */
  readonly source: string
  readonly form: string
}

interface Evidence {
  readonly place: string
  readonly source: string
  readonly content: Buffer
}

/** Keeps what a program said and left behind, and looks for secrets in it: in clear and as they are often encoded. */
export class SecretScan {
  readonly #secrets = new Map<string, Buffer[]>()
  readonly #evidence: Evidence[] = []

  /** Names of the secrets so far. */
  get secrets(): string[] {
    return [...this.#secrets.keys()]
  }

  /** Kinds of places so far. */
  get places(): Set<string> {
    return new Set(this.#evidence.map(({ place }) => place))
  }

  /**
   * Has this looked for, in what was kept before as well.
   *
   * @param secret At least 8 bytes. A name may have several, as a key has in base64 and in bytes.
   * @returns `secret`.
   */
  hide<Secret extends string | Uint8Array>(name: string, secret: Secret): Secret {
    const bytes = Buffer.from(secret)
    if (bytes.length < 8) throw new RangeError(`${name} would be found anywhere`)
    this.#secrets.set(name, [...(this.#secrets.get(name) ?? []), bytes])
    return secret
  }

  keep(place: string, source: string, content: string | Uint8Array): void {
    this.#evidence.push({ place, source, content: Buffer.from(content) })
  }

  /** Every file below the directory, as it is now. */
  keepFiles(place: string, directory: string): void {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      this.keep(place, entry.name, readFileSync(path))
    }
  }

  /** What every user of the machine sees of the process, and what its own user sees (Linux only; elsewhere nothing). */
  keepProcess(place: string, pid: number): void {
    if (process.platform !== 'linux') return
    for (const file of ['cmdline', 'environ']) this.keep(place, file, readFileSync(`/proc/${pid}/${file}`))
  }

  /** Everything that was found, each once. */
  found(): FoundSecret[] {
    const all = new Map<string, FoundSecret>()
    for (const [secret, values] of this.#secrets) {
      for (const [form, needle] of values.flatMap(formsOf)) {
        for (const { place, source, content } of this.#evidence) {
          if (!content.includes(needle)) continue
          all.set([secret, place, source, form].join('\0'), { secret, place, source, form })
        }
      }
    }
    return [...all.values()]
  }
}

function formsOf(secret: Buffer): [string, Buffer][] {
  const text = secret.toString('utf8')
  const forms: [string, string][] = [
    ['JSON', JSON.stringify(text).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(text)],
    ['hexadecimal', secret.toString('hex')],
    ['hexadecimal', secret.toString('hex').toUpperCase()],
    ...insideBase64(secret),
  ]
  const encoded = forms.filter(([, written]) => written !== text)
  return [
    ['clear', secret],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ...encoded.map(([form, written]): [string, Buffer] => [form, Buffer.from(written)]),
  ]
}

/** What shows of it wherever in longer base64 it is: three bytes become four characters, so there are three ways. */
function insideBase64(secret: Buffer): [string, string][] {
  return [0, 1, 2].flatMap((before): [string, string][] => {
    const whole = Buffer.concat([Buffer.alloc(before), secret])
    const own = (text: string) => text.slice(Math.ceil((before * 4) / 3), Math.floor((whole.length * 4) / 3))
    return [
      ['base64', own(whole.toString('base64'))],
      ['base64url', own(whole.toString('base64url'))],
    ]
  })
}
