import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readDocument } from './markdown.js'
import { CHECKOUT } from './run-example.js'

const documents = [
  'README.md',
  'testkit/README.md',
  ...['docs', 'examples', 'packages', 'bench'].flatMap(documentsIn),
]

test.each(documents)('%s links to what exists', (document) => {
  const links = [...readDocument(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
  for (const [, path = '', anchor] of links) {
    const file = path === '' ? document : join(dirname(document), path)
    expect(existsSync(join(CHECKOUT, file)), `${file} exists`).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(file), file).toContain(anchor)
  }
})

function documentsIn(directory: string): string[] {
  const names = readdirSync(join(CHECKOUT, directory), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => `${directory}/${name}`)
}

/** The fragments of a document's headings, as hosts of repositories make them. */
function anchorsOf(document: string): string[] {
  const headings = readDocument(document).matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
