/** What a command may use of its process; `process` fits. */
export type Io = Pick<NodeJS.Process, 'env' | 'stdin' | 'stdout' | 'stderr' | 'platform'>
