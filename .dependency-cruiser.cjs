const { builtinModules } = require('node:module')

const CORE = '^packages/core/src/'

/**
 * Core's folders. Each line may import only the lines above it, and folders on one line not each other. The files
 * beside the folders are the public API and the composition root: on top of everything.
 */
const CORE_LINES = [
  ['errors'],
  ['base'],
  ['model'],
  ['config', 'events', 'metrics'],
  ['access'],
  ['vault'],
  ['db', 'ssh', 'plugins'],
  ['journal'],
  ['orgs', 'recordings', 'cluster'],
  ['auth'],
  // Who may read the journal, and following it live.
  ['journal-reading'],
  ['targets'],
  ['sessions'],
  ['runs'],
  // KrownClient for callers in the same process.
  ['client'],
]

/** The folders of core's targets, by the same rule. */
const TARGETS = `${CORE}targets/`
const TARGETS_LINES = [
  // Where connections may go, what they need, and the targets in memory.
  ['outbound', 'credentials', 'index'],
  ['access-rules', 'host-keys'],
  ['dialing'],
  ['inventory'],
]

/** Which packages a package's src may import, by the folder's name. */
const PACKAGES = {
  core: [],
  server: ['core'],
  // Of these two only types, which a rule below holds it to.
  sdk: ['core', 'server'],
  cli: ['sdk'],
}

/** Tests stand beside the code and may import what helps them; they still may not close a cycle. */
const TESTS = '[.]test[.]tsx?$'

const anyOf = (names) => `(${names.join('|')})`

function layerRules(base, lines) {
  return lines.flatMap((line, index) => {
    const above = lines.slice(0, index).flat()
    return line.map((folder) => ({
      name: `core-layers-${folder}`,
      comment: `${folder} may import of the folders beside it only: ${above.join(', ') || 'none'}`,
      severity: 'error',
      from: { path: `${base}${folder}/`, pathNot: TESTS },
      to: { path: base, pathNot: `${base}${anyOf([folder, ...above])}/` },
    }))
  })
}

function packageRules() {
  return Object.entries(PACKAGES).map(([name, allowed]) => ({
    name: `packages-${name}`,
    comment: `packages/${name} may import only: ${allowed.join(', ') || 'no other package'}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: TESTS },
    to: {
      path: ['^packages/', '^testkit/', '^bench/', '^examples/', '(^|/)@krown/'],
      pathNot: importable([name, ...allowed]),
    },
  }))
}

/** A package is met as a folder of the workspace, and under its name where it has not been built yet. */
function importable(names) {
  return [`^packages/${anyOf(names)}/`, `(^|/)@krown/${anyOf(names)}(/|$)`]
}

module.exports = {
  forbidden: [
    ...layerRules(CORE, CORE_LINES),
    ...layerRules(TARGETS, TARGETS_LINES),
    ...packageRules(),
    {
      name: 'core-folder-without-layer',
      comment: 'a new folder of core gets its place in CORE_LINES first',
      severity: 'error',
      from: { path: `${CORE}[^/]+/`, pathNot: `${CORE}${anyOf(CORE_LINES.flat())}/` },
      to: {},
    },
    {
      name: 'targets-folder-without-layer',
      comment: "a new folder of core's targets gets its place in TARGETS_LINES first",
      severity: 'error',
      from: { path: `${TARGETS}[^/]+/`, pathNot: `${TARGETS}${anyOf(TARGETS_LINES.flat())}/` },
      to: {},
    },
    {
      name: 'only-ssh-imports-ssh2',
      comment: 'ssh2 and its types stay behind the interface of core/src/ssh',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: ['^packages/core/src/ssh/', TESTS] },
      to: { path: '(^|/)node_modules/(@types/)?(ssh2|ssh2-streams|node-ssh)/' },
    },
    {
      name: 'model-runs-anywhere',
      comment: 'browsers load the model, and whatever it imports in turn: no Node modules',
      severity: 'error',
      from: { path: `${CORE}model/`, pathNot: TESTS },
      to: { path: `^(node:)?${anyOf(builtinModules)}$`, reachable: true },
    },
    {
      name: 'package-without-row',
      comment: 'a new package gets its row in PACKAGES first',
      severity: 'error',
      from: { path: '^packages/', pathNot: `^packages/${anyOf(Object.keys(PACKAGES))}/` },
      to: {},
    },
    {
      name: 'sdk-imports-only-types',
      comment:
        'what the SDK ships runs in browsers: of core it may load the error catalog, of the server nothing',
      severity: 'error',
      from: { path: '^packages/sdk/src/', pathNot: TESTS },
      to: {
        path: ['^packages/(core|server)/', '(^|/)@krown/(core|server)(/|$)'],
        pathNot: '^packages/core/src/errors/catalog[.]ts$',
        // Unknown is what is not built yet.
        dependencyTypesNot: ['type-only', 'unknown'],
      },
    },
    {
      name: 'packages-by-name',
      comment: 'another package is imported by its name, so that only what it exports is used',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/', pathNot: TESTS },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/$1/' },
    },
    {
      name: 'no-cycles',
      comment: 'type imports count',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      // Packages of the workspace resolve only once they are built.
      to: { couldNotResolve: true, pathNot: '^@krown/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '(^|/)dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
}
