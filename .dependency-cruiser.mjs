/**
 * Who may lean on whom: the arrows of the house as rules for `npm run rules`. A new package, room or log adapter is one line
 * in a table below. test/house/import-rules.test.ts breaks each rule once and sees it reported.
 *
 * dependency-cruiser reads TypeScript through the compiler's JavaScript interface, which ends with TypeScript 6. So the
 * `typescript` package of this house is 6, for this tool alone; `tsc` is 7, installed as `@typescript/native`.
 */

/** A package may import the packages named, by their names, and no others. */
const packages = {
  events: [],
  api: ['events'],
  client: ['events', 'api'],
  'event-system': ['events'],
  service: ['event-system', 'events', 'api', 'client'],
  dashboard: ['client', 'api', 'events']
}

/** A room of packages/event-system/src may import the rooms named; event-system.ts and its neighbours wire them all. */
const rooms = {
  runtime: [],
  log: [],
  codec: ['log', 'runtime'],
  groups: ['log'],
  'dead-letters': ['log', 'codec', 'runtime'],
  publish: ['log', 'codec', 'runtime'],
  outbox: ['codec', 'runtime'],
  consume: ['log', 'codec', 'groups', 'dead-letters', 'runtime'],
  operate: ['log', 'codec', 'groups', 'dead-letters', 'runtime'],
  access: ['log', 'dead-letters', 'runtime'],
  audit: ['log', 'access', 'runtime'],
  store: ['log', 'codec', 'dead-letters', 'runtime'],
  process: ['log', 'codec', 'publish', 'consume', 'store', 'runtime']
}

/** A log adapter, packages/event-system/src/log/<name>, and the one driver that it alone imports. */
const adapters = {
  redis: '(^|/)node_modules/(redis|@redis/[^/]+)/',
  sqlite: '^(node:)?sqlite$'
}

const library = '^packages/event-system/src'
const testFiles = '\\.test\\.ts$|^packages/[^/]+/test/'
/** What of the client is for Node alone, an entry of its own. */
const clientForNode = '^packages/client/src/node\\.ts$'
const publicEntries = [
  '^packages/[^/]+/src/index\\.ts$',
  clientForNode,
  `${library}/(access|audit|outbox|testing|log/conformance)/index\\.ts$`
]

const anyOf = (names) => `(${names.join('|')})`

const packageRules = Object.entries(packages).map(([name, allowed]) => ({
  name: `package-${name}`,
  severity: 'error',
  comment: `packages/${name} imports of the other packages: ${allowed.join(', ') || 'none'}.`,
  from: { path: `^packages/${name}/` },
  to: { path: '^packages/', pathNot: `^packages/${anyOf([name, ...allowed])}/` }
}))

const roomRules = Object.entries(rooms).map(([name, allowed]) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: `${name}/ imports of the other rooms: ${allowed.join(', ') || 'none'}; and nothing that wires the rooms.`,
  from: { path: `${library}/${name}/`, pathNot: testFiles },
  to: { path: `${library}/`, pathNot: `${library}/${anyOf([name, ...allowed])}/` }
}))

const adapterRules = Object.entries(adapters).flatMap(([name, driver]) => [
  {
    name: `driver-${name}`,
    severity: 'error',
    comment: `Only log/${name} speaks to the driver of ${name}; tests and bench may.`,
    from: { path: '^packages/', pathNot: [`${library}/log/${name}/`, testFiles] },
    to: { path: driver }
  },
  {
    name: `adapter-${name}`,
    severity: 'error',
    comment: `log/${name} imports no package but its driver and @tradpal/events.`,
    from: { path: `${library}/log/${name}/`, pathNot: testFiles },
    to: { path: '(^|/)node_modules/', pathNot: driver }
  }
])

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...packageRules,
    {
      name: 'package-by-its-name',
      severity: 'error',
      comment: 'Another package is imported as @tradpal/<name>, never by a path into its folder.',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] }
    },
    {
      name: 'package-by-its-front-door',
      severity: 'error',
      comment: 'What a package exports on purpose is all that others see of it.',
      from: { path: '^(packages/[^/]+|bench|deploy|docs|examples)/' },
      to: { path: '^packages/[^/]+/', pathNot: ['^$1/', ...publicEntries] }
    },
    {
      name: 'packages-stand-alone',
      severity: 'error',
      comment: 'bench, deploy, docs, examples and test are doors for readers: no package is built on them.',
      from: { path: '^packages/', pathNot: testFiles },
      to: { path: '^(bench|deploy|docs|examples|test)/' }
    },
    {
      name: 'runs-in-a-browser',
      severity: 'error',
      comment:
        'packages/events, packages/api and packages/client run wherever fetch does: no part of Node in them, but for the entry for Node.',
      from: { path: '^packages/(events|api|client)/', pathNot: [testFiles, clientForNode] },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'api-is-schemas',
      severity: 'error',
      comment: 'packages/api imports typebox and @tradpal/events, and nothing else.',
      from: { path: '^packages/api/src/', pathNot: testFiles },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/typebox/' }
    },
    {
      name: 'client-takes-types-of-api',
      severity: 'error',
      comment: 'packages/client imports types alone of packages/api: no schema and no typebox comes into a browser.',
      from: { path: '^packages/client/src/' },
      to: { path: '^packages/api/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'runs-without-its-entry-for-node',
      severity: 'error',
      comment: 'The rest of packages/client stands without its entry for Node and what that needs.',
      from: { path: '^packages/client/', pathNot: [testFiles, clientForNode] },
      to: { path: [clientForNode, '(^|/)node_modules/undici/'] }
    },
    ...roomRules,
    {
      name: 'room-by-its-index',
      severity: 'error',
      comment: 'No reaching into the files of another room: only what its index.ts exports.',
      from: { path: `${library}/([^/]+)`, pathNot: testFiles },
      to: { path: `${library}/[^/]+/`, pathNot: [`${library}/$1/`, `${library}/([^/]+|log/[^/]+)/index\\.ts$`] }
    },
    {
      name: 'log-folder',
      severity: 'error',
      comment:
        'A folder of log/ imports the port, the terms of entries, of leases and of units, the positions in a page, the order of event times, the rates, the sum of a trim, partitioned groups and itself: an adapter knows no other adapter and no other room.',
      from: { path: `${library}/log/([^/]+)/`, pathNot: testFiles },
      to: {
        path: `${library}/`,
        pathNot: [
          `${library}/log/$1/`,
          `${library}/log/(port|index|entry-terms|event-time|lease-terms|positions|rates|unit-terms|trim-sum|partitioned/index)\\.ts$`
        ]
      }
    },
    {
      name: 'log-is-chosen-once',
      severity: 'error',
      comment: 'An adapter is named where the configuration chooses one, and where the package exports it.',
      from: {
        path: `${library}/`,
        pathNot: [`${library}/configuration/`, `${library}/index\\.ts$`, `${library}/log/[^/]+/`, testFiles]
      },
      to: { path: `${library}/log/${anyOf(Object.keys(adapters))}/` }
    },
    ...adapterRules,
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      comment: 'The testing kit and the conformance suite stand on the library, never the other way round.',
      from: { path: '^packages/[^/]+/src/', pathNot: [`${library}/(testing|log/conformance)/`, testFiles] },
      to: { path: `${library}/(testing|log/conformance)/` }
    },
    {
      name: 'source-without-tests',
      severity: 'error',
      comment: 'What is published imports no test.',
      from: { path: '^packages/', pathNot: testFiles },
      to: { path: testFiles }
    },
    {
      name: 'declared-dependencies',
      severity: 'error',
      comment:
        'What is published imports only what the dependencies of its own package.json name. The client needs the types of api while it is built, and not afterwards.',
      from: { path: '^packages/[^/]+/src/', pathNot: testFiles },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^packages/api/' }
    },
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'Imports point one way, those of types alone included.',
      from: {},
      to: { circular: true }
    },
    {
      name: 'no-dead-end',
      severity: 'error',
      comment: 'An import that leads nowhere escapes all other rules.',
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '^(packages/[^/]+/dist|data)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['tradpal-source', 'node', 'import', 'default'],
      extensions: ['.ts', '.js', '.d.ts', '.json']
    }
  }
}
