/**
 * Fails on files with too many lines of code. Biome has the same rule, but it counts comments as well, which would
 * punish docstrings.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'

const SOURCE_LIMIT = 400
const TEST_LIMIT = 500
const EXEMPT = [/\/errors\/catalog\.ts$/, /\/event-catalog\.ts$/, /\/migrations\//]
const isTest = (path) => /\.test\.tsx?$|\/test\//.test(path)

const tooLong = sourceFiles()
  .filter((path) => !EXEMPT.some((pattern) => pattern.test(path)))
  .map((path) => ({ path, lines: codeLines(path), limit: isTest(path) ? TEST_LIMIT : SOURCE_LIMIT }))
  .filter(({ lines, limit }) => lines > limit)

for (const { path, lines, limit } of tooLong)
  console.error(`${path}: ${lines} lines of code, at most ${limit}: does it do two things?`)
if (tooLong.length > 0) process.exitCode = 1

function sourceFiles() {
  const listed = execFileSync('git', [
    'ls-files',
    '-co',
    '--exclude-standard',
    '*.ts',
    '*.tsx',
    '*.mjs',
    '*.cjs',
  ])
  // A file deleted but not yet committed is still listed.
  return listed
    .toString()
    .split('\n')
    .filter((path) => path && existsSync(path))
}

function codeLines(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false)
  const lineAt = (position) => source.getLineAndCharacterOfPosition(position).line
  const lines = new Set()
  const visit = (node) => {
    if (ts.isJSDoc(node) || node.kind === ts.SyntaxKind.EndOfFileToken) return
    const children = node.getChildren(source)
    if (children.length > 0) return children.forEach(visit)
    // A token of several lines is a template literal.
    for (let line = lineAt(node.getStart(source)); line <= lineAt(node.getEnd()); line++) lines.add(line)
  }
  visit(source)
  return lines.size
}
