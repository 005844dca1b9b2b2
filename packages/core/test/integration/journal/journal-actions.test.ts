import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const SOURCES = fileURLToPath(new URL('../../../src/', import.meta.url))
const PAGE = fileURLToPath(new URL('../../../../../docs/journal-format.md', import.meta.url))

/** What the sources give as `action` of an entry, also by way of a `draft` function: dotted text, straight or as one of two. */
async function actionsInSources(): Promise<string[]> {
  const files = (await readdir(SOURCES, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(SOURCES + file, 'utf8')
      const actions: string[] = []
      collectActions(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), actions)
      return actions
    }),
  )
  return [...new Set(found.flat())].sort()
}

function collectActions(node: ts.Node, into: string[]): void {
  const given = givenAction(node)
  if (given) into.push(...textsIn(given).filter((text) => /^[a-z_]+\.[a-z_]+$/.test(text)))
  ts.forEachChild(node, (child) => collectActions(child, into))
}

function givenAction(node: ts.Node): ts.Node | undefined {
  if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === 'action')
    return node.initializer
  const isDraft =
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'draft'
  return isDraft ? node.arguments[0] : undefined
}

function textsIn(node: ts.Node): string[] {
  if (ts.isStringLiteral(node)) return [node.text]
  if (ts.isConditionalExpression(node)) return [...textsIn(node.whenTrue), ...textsIn(node.whenFalse)]
  return ts.isAsExpression(node) ? textsIn(node.expression) : []
}

test('every action of the journal has its row in docs/journal-format.md, and none is there in vain', async () => {
  const page = await readFile(PAGE, 'utf8')
  const table = page.slice(page.indexOf('## Actions'), page.indexOf('## Test vectors'))
  const documented = table
    .split('\n')
    .flatMap((line) => (line.split('|')[1] ?? '').match(/`[a-z_]+\.[a-z_]+`/g) ?? [])
    .map((name) => name.slice(1, -1))
  expect(documented).toEqual([...documented].sort())
  expect(await actionsInSources()).toEqual(documented)
})
