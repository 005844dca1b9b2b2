import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKOUT } from './run-example.js'

export interface FencedBlock {
  readonly language: string
  readonly text: string
}

/** @param path From the root of the checkout. */
export function readDocument(path: string): string {
  return readFileSync(join(CHECKOUT, path), 'utf8')
}

/** The fenced blocks of a document, in order. */
export function fencedBlocks(document: string): FencedBlock[] {
  return [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }))
}
