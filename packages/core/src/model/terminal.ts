import { z } from 'zod'

/** Largest terminal, columns and rows; more is taken as this. */
export const MAX_TERMINAL_SIDE = 1_000

/** Size of a terminal, in characters: 1 to 1,000 each; what is outside is taken as the nearest of them. */
export interface TerminalSize {
  columns: number
  rows: number
}

/** A terminal (PTY) for what runs; default: `xterm-256color`, 80 columns, 24 rows. */
export interface TerminalOptions extends Partial<TerminalSize> {
  /** Value of TERM: letters, digits and `. _ + -`, at most 64. */
  term?: string | undefined
}

export const terminalSizeShape = {
  columns: z.number().int().min(0),
  rows: z.number().int().min(0),
}

export const terminalSizeSchema = z.strictObject(terminalSizeShape) satisfies z.ZodType<TerminalSize>

export const terminalOptionsShape = {
  term: z
    .string()
    .regex(/^[A-Za-z0-9._+-]{1,64}$/, 'must be letters, digits and . _ + -, at most 64')
    .optional(),
  columns: terminalSizeShape.columns.optional(),
  rows: terminalSizeShape.rows.optional(),
}
