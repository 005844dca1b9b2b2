/**
 * Runs the whole suite on the other supported lines of Node: `pnpm test:nodes`, or `pnpm test:nodes 22`.
 *
 * Node comes from npm's `node-<platform>-<arch>` packages. Each line gets a copy of the checkout with its own
 * node_modules, because better-sqlite3 is compiled for one line only; that takes a minute each.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const LINES = ['22', '24']

const asked = process.argv.slice(2)
const results = (asked.length > 0 ? asked : LINES).map((line) => ({ line, passed: passesOn(line) }))
for (const { line, passed } of results) console.log(`Node ${line}: ${passed ? 'passed' : 'FAILED'}`)
if (results.some(({ passed }) => !passed)) process.exitCode = 1

function passesOn(line) {
  const directory = mkdtempSync(join(tmpdir(), `krown-node-${line}-`))
  try {
    const nodeDirectory = installNode(line, join(directory, 'node'))
    const checkout = join(directory, 'checkout')
    copyCheckout(checkout)
    return runSuite(checkout, nodeDirectory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** @returns the package's directory, which holds `bin/node` and the headers. */
function installNode(line, directory) {
  const name = `node-${process.platform}-${process.arch}`
  const args = ['install', '--ignore-scripts', '--no-save', '--prefix', directory, `${name}@${line}`]
  execFileSync('npm', args, { stdio: 'inherit' })
  return join(directory, 'node_modules', name)
}

function copyCheckout(directory) {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z']).toString()
  // A file deleted but not yet committed is still listed.
  for (const path of listed.split('\0')) if (path && existsSync(path)) cpSync(path, join(directory, path))
}

function runSuite(cwd, nodeDirectory) {
  const env = environmentFor(nodeDirectory)
  console.log(`Testing on ${execFileSync('node', ['--version'], { env }).toString().trim()} in ${cwd}`)
  return spawnSync('npx', ['-y', 'pnpm@10.34.9', 'test'], { cwd, env, stdio: 'inherit' }).status === 0
}

/** Without what the pnpm that runs this script says to its children: not to install, and which tools to use. */
function environmentFor(nodeDirectory) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/verify_deps_before_run$|^NODE_PATH$/i.test(name),
  )
  const directories = process.env.PATH.split(delimiter).filter((path) => !path.includes('node_modules'))
  return {
    ...Object.fromEntries(kept),
    PATH: [join(nodeDirectory, 'bin'), ...directories].join(delimiter),
    npm_config_nodedir: nodeDirectory,
    // No suite may skip.
    CI: 'true',
  }
}
