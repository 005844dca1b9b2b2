// So that plain `vitest run` finds the projects.
import config from './vitest.workspace.js'

export default config
