/**
 * Packs every public package the way it is published and checks the tarball: publint, are-the-types-wrong, and that
 * nothing is inside which no user needs. Expects a finished build and pnpm on the PATH (`pnpm packages:check` has both).
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** What a package may ship. Tests, sources and source maps match none of these. */
const SHIPPED = [
  /^(package\.json|LICENSE|README\.md|openapi\.json)$/,
  /^bin\/[\w-]+\.c?js$/,
  // Types that several entries share are in a file of their own, named after the one they came from.
  /^dist\/([\w-]+\/)*[\w-]+(\.d-[\w-]+)?(\.d\.ts|\.js)$/,
  /^dist\/THIRD-PARTY\.txt$/,
]
const REQUIRED = ['package.json', 'LICENSE', 'README.md']
/** Of a package that is imported; others are only run. */
const IMPORTED = ['dist/index.js', 'dist/index.d.ts']

const PATH = [resolve('node_modules/.bin'), process.env.PATH].join(delimiter)
const workDirectory = mkdtempSync(join(tmpdir(), 'krown-packages-'))

try {
  const results = publicPackages().map(check)
  for (const { name, problems } of results)
    for (const problem of problems) console.error(`\n${name}: ${problem}`)
  console.table(
    Object.fromEntries(
      results.map(({ name, files, kibibytes, problems }) => [
        name,
        { files, KiB: kibibytes, problems: problems.length },
      ]),
    ),
  )
  if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1
} finally {
  rmSync(workDirectory, { recursive: true })
}

function publicPackages() {
  return readdirSync('packages')
    .map((folder) => join('packages', folder))
    .filter((directory) => !JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).private)
}

function check(directory) {
  const { name, exports, bin = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const required = [...REQUIRED, ...(exports ? IMPORTED : []), ...Object.values(bin).map(withoutDot)]
  const packed = run('pnpm', ['pack', '--json', '--pack-destination', workDirectory], directory)
  if (packed.status !== 0) return { name, files: 0, kibibytes: 0, problems: [packed.output] }
  const tarball = JSON.parse(packed.stdout).filename
  const files = tarballFiles(tarball)
  return {
    name,
    files: files.length,
    kibibytes: Math.ceil(statSync(tarball).size / 1024),
    problems: [...fileProblems(files, required), ...toolProblems(tarball, { hasTypes: Boolean(exports) })],
  }
}

function withoutDot(path) {
  return path.replace(/^\.\//, '')
}

function tarballFiles(tarball) {
  const { status, stdout, output } = run('tar', ['-tzf', tarball])
  if (status !== 0) throw new Error(output)
  return stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
}

function fileProblems(files, required) {
  const surplus = files.filter((path) => !SHIPPED.some((pattern) => pattern.test(path)))
  const missing = required.filter((path) => !files.includes(path))
  return [
    ...surplus.map((path) => `${path} must not be in the package`),
    ...missing.map((path) => `${path} is missing from the package`),
  ]
}

function toolProblems(tarball, { hasTypes }) {
  const publint = run('publint', ['run', tarball, '--strict'])
  const runs = hasTypes ? [publint, run('attw', [tarball, '--profile', 'esm-only'])] : [publint]
  return runs.filter(({ status }) => status !== 0).map(({ output }) => output)
}

function run(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, env: { ...process.env, PATH }, encoding: 'utf8' })
  if (result.error) throw result.error
  return { ...result, output: `${command} says:\n${result.stdout}${result.stderr}` }
}
