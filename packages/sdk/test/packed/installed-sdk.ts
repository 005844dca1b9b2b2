import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit'
import { runProcess } from '@krown/testkit/child-process'

const PACKAGE = join(import.meta.dirname, '../..')
const CHECKOUT = join(PACKAGE, '../..')

/** An empty project with nothing but the SDK in it, as a user gets it from a registry. */
export interface InstalledSdk extends AsyncDisposable {
  readonly path: string
  /** Names of all packages that came with it. */
  packages(): Promise<string[]>
  write(name: string, text: string): Promise<string>
  /** What `tsc` complains about in files of that name. */
  typeCheck<Name extends string>(files: Record<Name, string>): Promise<Record<Name | 'elsewhere', string[]>>
  run(file: string, env?: NodeJS.ProcessEnv): Promise<string>
}

export async function installSdk(): Promise<InstalledSdk> {
  const dir = await createTempDir({ mode: 0o755 })
  const run = (command: string, args: string[], cwd: string) =>
    runProcess({ command, args, options: { cwd } })
  const packed = JSON.parse(await run('pnpm', ['pack', '--json', '--pack-destination', dir.path], PACKAGE))
  const write = async (name: string, text: string) => {
    await writeFile(join(dir.path, name), text)
    return join(dir.path, name)
  }
  await write('package.json', '{ "private": true, "type": "module" }')
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', packed.filename], dir.path)
  return {
    path: dir.path,
    write,
    packages: () => packagesIn(join(dir.path, 'node_modules')),
    typeCheck: async (files) => {
      const names = Object.keys(files) as (keyof typeof files)[]
      for (const name of names) await write(`${name}.ts`, files[name])
      return sortByFile(await typeCheck(dir.path, names), names)
    },
    run: (file, env) =>
      runProcess({
        command: process.execPath,
        args: [file],
        options: { cwd: dir.path, env: { PATH: process.env.PATH, ...env } },
      }),
    [Symbol.asyncDispose]: () => dir.stop(),
  }
}

async function packagesIn(directory: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(directory, '.package-lock.json'), 'utf8'))
  return Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''))
}

/** Files of compiled code below a directory. */
export async function nativeModulesIn(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true })
  return files.filter((file) => /\.(node|so|dylib|dll|gyp)$/.test(file))
}

/** Resolves with the lines that `tsc` prints. */
async function typeCheck(cwd: string, names: string[]): Promise<string[]> {
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
    types: [],
    strict: true,
    noEmit: true,
    // The declarations themselves are checked, and so are those that they lead to.
    skipLibCheck: false,
  }
  const files = names.map((name) => `${name}.ts`)
  await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(CHECKOUT, 'node_modules/typescript/bin/tsc')
  const run = runProcess({ command: process.execPath, args: [tsc, '--pretty', 'false'], options: { cwd } })
  const output = await run.catch((error: Error) => error.message.replace(/^.*failed with \d+: /, ''))
  return output.split('\n').filter((line) => line !== '')
}

function sortByFile<Name extends string>(
  lines: string[],
  names: Name[],
): Record<Name | 'elsewhere', string[]> {
  const of = (name: Name) => lines.filter((line) => line.startsWith(`${name}.ts(`))
  const sorted = names.map((name) => [name, of(name)] as const)
  const elsewhere = lines.filter((line) => !sorted.some(([, found]) => found.includes(line)))
  return { ...Object.fromEntries(sorted), elsewhere } as Record<Name | 'elsewhere', string[]>
}
